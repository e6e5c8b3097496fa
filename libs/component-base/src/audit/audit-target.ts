import { write as writeFd } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { AUDIT_MODE, type AuditConfig, STDOUT } from './audit-flags';

/** Destination of the lines. */
export interface AuditTarget {
  /**
   * @param lines starting at the first byte not yet written
   * @returns the number of bytes written, at least one
   * @throws Error if none was written; the same bytes may be retried
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

/** Bytes that a pipe takes atomically. The process's log shares stdout, and neither may tear the other's lines. */
const PIPE_BUF = 4096;

/** The process's stdout, written in libuv's thread pool, so that a slow reader does not block the event loop. */
class Stdout implements AuditTarget {
  private readonly write_ = promisify(writeFd);

  async write(lines: Buffer): Promise<number> {
    const fit = lines.subarray(0, PIPE_BUF).lastIndexOf(NEWLINE);
    const end = fit >= 0 ? fit : lines.indexOf(NEWLINE); // a longer line is written by itself
    return (await this.write_(1, lines.subarray(0, end + 1))).bytesWritten;
  }

  async close(): Promise<void> {
    // stdout belongs to the process
  }
}

/** A file that is rotated by size. The latest backups are kept, named as kube-apiserver names them. */
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
    // a pipe is never rotated
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

  /** Idempotent: after a failure of any step it runs again from the first. */
  private async rotate(): Promise<void> {
    const { name, extension } = this.parts;
    const time = new Date().toISOString().slice(0, -1).replaceAll(':', '-');
    await rename(this.path, join(dirname(this.path), `${name}-${time}${extension}`)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // an earlier try has renamed it
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
  // an existing file may be readable by others; the mode of a device or a pipe is not ours to change
  if ((await file.stat()).isFile()) await file.chmod(AUDIT_MODE);
  return file;
}
