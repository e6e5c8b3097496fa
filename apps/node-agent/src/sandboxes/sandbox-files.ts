import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ContainerRequest } from '@fsb/containerd/sandbox-runtime';
import { runFolders, sandboxFolder } from '@fsb/node/node-folders';
import { type SandboxLogs } from '../logs/sandbox-logs';
import { hostnameOf } from './hostname';

export interface SandboxFiles {
  readonly resolvConf: string;
  readonly hosts: string;
  readonly hostname: string;
}

/**
 * The files that a sandbox has of its own on the host: name resolution, and the log. What a create or a removal does here is
 * synchronous: they are small, most are in memory, and a way through the thread pool takes ten times as long.
 */
export class SandboxFolder {
  /** The node's, as it was when the agent started: what every sandbox of this agent gets. */
  private readonly resolvConf = readIfThere('/etc/resolv.conf');

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

  prepare(id: string, name: string, address: string): void {
    mkdirSync(sandboxFolder(this.runDir, id), { recursive: true, mode: 0o700 });
    mkdirSync(this.logs.folder, { recursive: true });
    writeFileSync(this.file(id, 'owner'), this.owner);
    this.call(id, name, address);
    writeFileSync(this.paths(id).resolvConf, this.resolvConf);
    closeSync(openSync(this.logs.file(id), 'a', 0o640));
  }

  /** Its host name in the files that say it: in place, since a container has them mounted. */
  call(id: string, name: string, address: string): void {
    const files = this.paths(id);
    const hostname = hostnameOf(name);
    writeFileSync(files.hosts, `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n${address}\t${hostname}\n`);
    writeFileSync(files.hostname, `${hostname}\n`);
  }

  /** What a waiting container had is the sandbox's: mounts and the open log stay what they are. */
  give(containerId: string, sandboxId: string): void {
    this.logs.rename(containerId, sandboxId);
    renameSync(sandboxFolder(this.runDir, containerId), sandboxFolder(this.runDir, sandboxId));
  }

  /** Where a container's output goes. */
  log(id: string): Pick<ContainerRequest, 'logFile' | 'logWriter'> {
    const { writer } = this.logs;
    const made = this.logs.indexFile(id);
    return { logFile: this.logs.file(id), logWriter: writer === undefined ? undefined : { program: writer, made } };
  }

  /** What its log and its own files take of the node. */
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
  markStarted(id: string): void {
    try {
      writeFileSync(this.file(id, 'started'), '');
    } catch {
      // deleted meanwhile
    }
  }

  wasStarted(id: string): Promise<boolean> {
    return access(this.file(id, 'started')).then(
      () => true,
      () => false,
    );
  }

  async remove(id: string): Promise<void> {
    await this.logs.remove(id); // before the folder, by which the next process knows that it has something to remove
    rmSync(sandboxFolder(this.runDir, id), { recursive: true, force: true });
  }

  /** The ids that have a folder of this agent. */
  async own(): Promise<string[]> {
    const ids = await readdir(runFolders.sandboxes(this.runDir)).catch(() => []); // none yet
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
    return join(sandboxFolder(this.runDir, id), name);
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
