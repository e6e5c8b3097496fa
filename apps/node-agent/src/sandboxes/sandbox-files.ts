import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface SandboxFiles {
  readonly resolvConf: string;
  readonly hosts: string;
  readonly hostname: string;
}

/** The files that a sandbox has of its own on the host: name resolution, and the log. */
export class SandboxFolder {
  constructor(
    private readonly runDir: string,
    private readonly logDir: string,
  ) {}

  async prepare(id: string, name: string, address: string): Promise<SandboxFiles> {
    const folder = join(this.runDir, 'sandboxes', id);
    await Promise.all([mkdir(folder, { recursive: true }), mkdir(this.logDir, { recursive: true })]);
    const files = {
      resolvConf: join(folder, 'resolv.conf'),
      hosts: join(folder, 'hosts'),
      hostname: join(folder, 'hostname'),
    };
    const hosts = `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n${address}\t${name}\n`;
    const resolvConf = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
    await Promise.all([
      writeFile(files.resolvConf, resolvConf),
      writeFile(files.hosts, hosts),
      writeFile(files.hostname, `${name}\n`),
      open(this.logFile(id), 'a', 0o640).then((file) => file.close()),
    ]);
    return files;
  }

  logFile(id: string): string {
    return join(this.logDir, `${id}.log`);
  }

  async remove(id: string): Promise<void> {
    const logs = (await readdir(this.logDir).catch(() => [])).filter((name) => name.startsWith(`${id}.log`));
    await Promise.all([
      rm(join(this.runDir, 'sandboxes', id), { recursive: true, force: true }),
      ...logs.map((name) => rm(join(this.logDir, name), { force: true })),
    ]);
  }
}
