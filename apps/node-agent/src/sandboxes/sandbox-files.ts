import { renameSync, writeFileSync } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
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
    this.call(id, name, address);
    await Promise.all([
      this.resolvConf.then((text) => writeFile(files.resolvConf, text)),
      open(this.logs.file(id), 'a', 0o640).then((file) => file.close()),
    ]);
  }

  /**
   * Its name in the files that say it: in place, since a container has them mounted. Synchronous: they are in memory, and
   * a way through the thread pool would take ten times as long.
   */
  call(id: string, name: string, address: string): void {
    const files = this.paths(id);
    writeFileSync(files.hosts, `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n${address}\t${name}\n`);
    writeFileSync(files.hostname, `${name}\n`);
  }

  /** What a waiting container had is the sandbox's: mounts and the shim's open log stay what they are. */
  give(containerId: string, sandboxId: string): void {
    renameSync(this.logs.file(containerId), this.logs.file(sandboxId));
    renameSync(join(this.runDir, 'sandboxes', containerId), join(this.runDir, 'sandboxes', sandboxId));
  }

  logFile(id: string): string {
    return this.logs.file(id);
  }

  /** What its log and its own files take of the node, rotated logs too. */
  async bytesOnDisk(id: string): Promise<number> {
    const { resolvConf, hosts, hostname } = this.paths(id);
    const files = [...this.logs.files(id), resolvConf, hosts, hostname];
    const found = await Promise.all(files.map((file) => stat(file).catch(() => undefined))); // removed meanwhile
    return found.reduce((sum, stats) => sum + (stats?.blocks ?? 0) * 512, 0);
  }

  claimFile(id: string): string {
    return this.file(id, 'claim');
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

  /** The ids that have a folder of this agent. */
  async own(): Promise<string[]> {
    const ids = await readdir(join(this.runDir, 'sandboxes')).catch(() => []); // none yet
    const owned = await Promise.all(
      ids.map(async (id) => {
        const owner = await readFile(this.file(id, 'owner'), 'utf8').catch(() => undefined); // without one: the janitor's
        return owner === this.owner ? [id] : [];
      }),
    );
    return owned.flat();
  }

  /** This agent's folders of sandboxes without a container: their creates ended with the process before this one. */
  async removeStrays(known: ReadonlySet<string>): Promise<void> {
    for (const id of await this.own()) if (!known.has(id)) await this.remove(id);
  }

  private file(id: string, name: string): string {
    return join(this.runDir, 'sandboxes', id, name);
  }
}
