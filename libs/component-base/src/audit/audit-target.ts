import { write as writeFd } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { AUDIT_MODE, type AuditConfig, STDOUT } from './audit-flags';

/** Where lines go. */
export interface AuditTarget {
  /**
   * @param lines from where the last call left off
   * @returns how many bytes of it were written, at least one
   * @throws Error where none was: the same bytes may be tried again
   */
  write(lines: Buffer): Promise<number>;
  close(): Promise<void>;
}

const NEWLINE = 10;
const MIB = 1024 * 1024;

export async function openTarget(config: AuditConfig): Promise<AuditTarget> {
  if (config.auditLogPath === STDOUT) return new Stdout();
  return RotatingFile.open(config.auditLogPath, config.auditLogMaxsize * MIB, config.auditLogMaxbackup);
}

/** What a pipe takes whole: the process's log is written there too, and neither may tear the other's lines. */
const PIPE_BUF = 4096;

/** The process's own, from a thread of libuv's: a reader that is slow holds up nothing else. */
class Stdout implements AuditTarget {
  private readonly write_ = promisify(writeFd);

  async write(lines: Buffer): Promise<number> {
    const fit = lines.subarray(0, PIPE_BUF).lastIndexOf(NEWLINE);
    const end = fit >= 0 ? fit : lines.indexOf(NEWLINE); // a longer line goes alone
    return (await this.write_(1, lines.subarray(0, end + 1))).bytesWritten;
  }

  async close(): Promise<void> {
    // it is not ours to close
  }
}

/** A file that gives way to a new one when it is large; of those before it the latest are kept, as kube-apiserver names them. */
export class RotatingFile implements AuditTarget {
  private isLineStart = true;

  private constructor(
    private readonly path: string,
    private file: FileHandle,
    private size: number,
    private readonly maxBytes: number,
    private readonly maxBackups: number,
  ) {}

  static async open(path: string, maxBytes: number, maxBackups: number): Promise<RotatingFile> {
    const file = await openFile(path);
    const stat = await file.stat();
    // a pipe stays where its reader found it
    return new RotatingFile(path, file, stat.size, stat.isFile() ? maxBytes : Infinity, maxBackups);
  }

  async write(lines: Buffer): Promise<number> {
    if (this.isLineStart && this.size > 0 && this.size + lines.length > this.maxBytes) await this.rotate();
    const { bytesWritten } = await this.file.write(lines);
    this.size += bytesWritten;
    this.isLineStart = lines[bytesWritten - 1] === NEWLINE;
    return bytesWritten;
  }

  close(): Promise<void> {
    return this.file.close();
  }

  /** May fail at each step, and is then done again from the first. */
  private async rotate(): Promise<void> {
    const { name, extension } = this.parts;
    const time = new Date().toISOString().slice(0, -1).replaceAll(':', '-');
    await rename(this.path, join(dirname(this.path), `${name}-${time}${extension}`)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // an earlier try got as far
    });
    const full = this.file;
    this.file = await openFile(this.path);
    this.size = 0;
    await full.close();
    await this.prune();
  }

  private async prune(): Promise<void> {
    const { name, extension } = this.parts;
    const folder = dirname(this.path);
    const isBackup = (file: string): boolean =>
      file.startsWith(`${name}-`) &&
      file.endsWith(extension) &&
      /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(file.slice(name.length + 1, file.length - extension.length));
    const backups = (await readdir(folder)).filter(isBackup).sort();
    for (const old of backups.slice(0, -this.maxBackups)) await rm(join(folder, old), { force: true });
  }

  private get parts(): { name: string; extension: string } {
    const extension = extname(this.path);
    return { name: basename(this.path, extension), extension };
  }
}

async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, 'a', AUDIT_MODE);
  // one that was there before may be open to others; a device or a pipe is not ours alone
  if ((await file.stat()).isFile()) await file.chmod(AUDIT_MODE);
  return file;
}
