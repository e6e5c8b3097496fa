import { renameSync } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SandboxLogs } from '../logs/sandbox-logs';

export interface SandboxFiles {
  readonly resolvConf: string;
  readonly hosts: string;
  readonly hostname: string;
}

/** The files that a sandbox has of its own on the host: name resolution, and the log. */
export class SandboxFolder {
  /** The node's, as it was when the agent started: what every sandbox of this agent gets. */
  private readonly resolvConf = readFile('/etc/resolv.conf', 'utf8').catch(() => '');

  constructor(
    private readonly runDir: string,
    private readonly logs: SandboxLogs,
    /** the agent Pod's uid: several agents of a node share the folder */
    private readonly owner: string,
  ) {}

  paths(id: string): SandboxFiles {
    const file = (name: string): string => this.file(id, name);
    return { resolvConf: file('resolv.conf'), hosts: file('hosts'), hostname: file('hostname') };
  }

  async prepare(id: string, name: string, address: string): Promise<void> {
    const files = this.paths(id);
    await Promise.all([
      mkdir(join(this.runDir, 'sandboxes', id), { recursive: true }),
      mkdir(this.logs.folder, { recursive: true }),
    ]);
    await writeFile(this.file(id, 'owner'), this.owner);
    await Promise.all([
      this.resolvConf.then((text) => writeFile(files.resolvConf, text)),
      this.call(id, name, address),
      open(this.logs.file(id), 'a', 0o640).then((file) => file.close()),
    ]);
  }

  /** Its name in the files that say it: in place, since a container has them mounted. */
  async call(id: string, name: string, address: string): Promise<void> {
    const files = this.paths(id);
    await Promise.all([
      writeFile(files.hosts, `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n${address}\t${name}\n`),
      writeFile(files.hostname, `${name}\n`),
    ]);
  }

  /** What a waiting container had is the sandbox's: mounts and the shim's open log stay what they are. */
  give(containerId: string, sandboxId: string): void {
    renameSync(this.logs.file(containerId), this.logs.file(sandboxId));
    renameSync(join(this.runDir, 'sandboxes', containerId), join(this.runDir, 'sandboxes', sandboxId));
  }

  logFile(id: string): string {
    return this.logs.file(id);
  }

  launchFolder(id: string): string {
    return this.file(id, 'launch');
  }

  /** From here on a container without a task has lost it, and is not one that was never finished. */
  async markStarted(id: string): Promise<void> {
    await writeFile(this.file(id, 'started'), '').catch(() => undefined); // deleted meanwhile
  }

  wasStarted(id: string): Promise<boolean> {
    return access(this.file(id, 'started')).then(
      () => true,
      () => false,
    );
  }

  async remove(id: string): Promise<void> {
    await Promise.all([rm(join(this.runDir, 'sandboxes', id), { recursive: true, force: true }), this.logs.remove(id)]);
  }

  /** This agent's folders of sandboxes without a container: their creates ended with the process before this one. */
  async removeStrays(known: ReadonlySet<string>): Promise<void> {
    const ids = await readdir(join(this.runDir, 'sandboxes')).catch(() => []); // none yet
    for (const id of ids) {
      if (known.has(id)) continue;
      const owner = await readFile(this.file(id, 'owner'), 'utf8').catch(() => undefined); // without one: the janitor's
      if (owner === this.owner) await this.remove(id);
    }
  }

  private file(id: string, name: string): string {
    return join(this.runDir, 'sandboxes', id, name);
  }
}
