import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { isApiError, messageOf } from '@fsb/api/errors';
import { type Traffic } from '@fsb/component-base/traffic';
import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { z } from 'zod';
import { Claim } from '../sandboxes/claim';
import { type SandboxFolder } from '../sandboxes/sandbox-files';

/** A claim as it lies in a file: what containerd is told of a container when a sandbox has taken it. */
const ClaimFile = z.object({ containerId: z.string(), labels: z.record(z.string(), z.string()), claim: Claim });
export type ClaimFile = z.infer<typeof ClaimFile>;

export interface ClaimFileParts {
  readonly runtime: SandboxRuntime;
  readonly folder: SandboxFolder;
  readonly traffic: Traffic;
}

/** containerd is told behind the creates, but no later than this. */
const LATEST_MS = 250;
const RETRY_MS = 500;

/**
 * Claims of containers that had waited. Each is in a file of its sandbox's folder before its process can start, and in
 * containerd behind the answer: a file takes 0.1 ms, an update of containerd's database 2 ms and more. See docs/adr/0014.
 */
export class ClaimFiles {
  private readonly logger = new Logger(ClaimFiles.name);
  /** those that containerd does not have yet, by sandbox: their work, and how to make it begin now */
  private readonly recording = new Map<string, { readonly work: Promise<void>; readonly hurry: () => void }>();

  constructor(private readonly parts: ClaimFileParts) {}

  /** In the folder of the container, which is not the sandbox's before its process runs. @throws Error of the file system */
  write(file: ClaimFile): void {
    writeFileSync(this.parts.folder.claimFile(file.containerId), JSON.stringify(file), { mode: 0o600 });
  }

  /** Nothing has run there, and the sandbox goes to another container: two may not claim to be it. */
  withdraw(containerId: string): void {
    rmSync(this.parts.folder.claimFile(containerId), { force: true });
  }

  /** Begins to tell containerd; tells it until it knows, or has no such container any more. */
  recordBehind(file: ClaimFile): void {
    const { sandboxId } = file.claim;
    const now = new AbortController();
    const work = this.record(file, now.signal).finally(() => this.recording.delete(sandboxId));
    this.recording.set(sandboxId, {
      work,
      hurry: () => {
        now.abort();
      },
    });
  }

  /** Resolves when containerd has its claim: whoever reads or changes what containerd has must wait for that. */
  async recorded(sandboxId: string): Promise<void> {
    const recording = this.recording.get(sandboxId);
    recording?.hurry();
    await recording?.work;
  }

  /** Resolves when containerd has all that there are now. */
  async allRecorded(): Promise<void> {
    await Promise.all([...this.recording.keys()].map((sandboxId) => this.recorded(sandboxId)));
  }

  /** What a process before this one had not told containerd. Folders are still a container's where no process was started. */
  async recordLeft(): Promise<void> {
    for (const folder of await this.parts.folder.own()) {
      const file = read(this.parts.folder.claimFile(folder));
      if (file) await this.tell(folder, file);
    }
  }

  private async record(file: ClaimFile, now: AbortSignal): Promise<void> {
    const hurry = new Promise((resolve) => {
      now.addEventListener('abort', resolve, { once: true });
    });
    await Promise.race([this.parts.traffic.lull(LATEST_MS), hurry]);
    for (;;) {
      try {
        await this.tell(file.claim.sandboxId, file);
        return;
      } catch (error) {
        this.logger.warn({ msg: 'containerd has not taken a claim', error: messageOf(error) });
      }
      await sleep(RETRY_MS);
    }
  }

  private async tell(folder: string, { containerId, labels, claim }: ClaimFile): Promise<void> {
    try {
      await this.parts.runtime.claim(containerId, labels, claim);
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error; // removed meanwhile
    }
    rmSync(this.parts.folder.claimFile(folder), { force: true });
  }
}

/** One that breaks off was written by an agent that died over it, before it ordered anything. */
function read(path: string): ClaimFile | undefined {
  try {
    return ClaimFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
