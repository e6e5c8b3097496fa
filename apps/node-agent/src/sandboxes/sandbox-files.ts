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
 * The host files of each sandbox: name resolution, claim, launch folder and log. Creates and removals access them
 * synchronously: they are small, most are in memory, and the thread pool takes ten times as long.
 */
export class SandboxFolder {
  /** the node's file as of the agent's start; every sandbox of this agent gets it */
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
    this.writeIdentity(id, name, address);
    writeFileSync(this.paths(id).resolvConf, this.resolvConf);
    closeSync(openSync(this.logs.file(id), 'a', 0o640));
  }

  /** Writes the host name into `hosts` and `hostname`. In place, since a container has them mounted. */
  writeIdentity(id: string, name: string, address: string): void {
    const files = this.paths(id);
    const hostname = hostnameOf(name);
    writeFileSync(files.hosts, `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n${address}\t${hostname}\n`);
    writeFileSync(files.hostname, `${hostname}\n`);
  }

  /** Renames a standby container's log and folder to its sandbox's. Mounts and the open log stay valid. */
  rename(containerId: string, sandboxId: string): void {
    this.logs.rename(containerId, sandboxId);
    renameSync(sandboxFolder(this.runDir, containerId), sandboxFolder(this.runDir, sandboxId));
  }

  /** Where a container's output goes. */
  log(id: string): Pick<ContainerRequest, 'logFile' | 'logWriter'> {
    const { writer } = this.logs;
    const made = this.logs.indexFile(id);
    return { logFile: this.logs.file(id), logWriter: writer === undefined ? undefined : { program: writer, made } };
  }

  /** Bytes of the node's disk that the log and the name resolution files take. */
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

  /** Marks the process as started: from here on a container without a task has lost it, rather than never had one. */
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
    await this.logs.remove(id); // before the folder, by which a restarted agent finds what it has to remove
    rmSync(sandboxFolder(this.runDir, id), { recursive: true, force: true });
  }

  /** Ids with a folder of this agent. */
  async listOwn(): Promise<string[]> {
    const ids = await readdir(runFolders.sandboxes(this.runDir)).catch(() => []); // none yet
    const owned = await Promise.all(
      ids.map(async (id) => {
        const owner = await readFile(this.file(id, 'owner'), 'utf8').catch(() => undefined); // none: for the janitor
        return owner === this.owner ? [id] : [];
      }),
    );
    return owned.flat();
  }

  /** Removes this agent's orphan folders: without a container, of creates that ended with an earlier agent process. */
  async removeOrphans(known: ReadonlySet<string>): Promise<void> {
    for (const id of await this.listOwn()) if (!known.has(id)) await this.remove(id);
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
