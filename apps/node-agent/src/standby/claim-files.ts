import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { isApiError, messageOf } from '@fsb/api/errors';
import { type Traffic } from '@fsb/component-base/traffic';
import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { z } from 'zod';
import { Claim } from '../sandboxes/claim';
import { type SandboxFolder } from '../sandboxes/sandbox-files';

/** A claim file: what containerd records of a standby container that a sandbox has taken. */
const ClaimFile = z.object({ containerId: z.string(), labels: z.record(z.string(), z.string()), claim: Claim });
export type ClaimFile = z.infer<typeof ClaimFile>;

export interface ClaimFileParts {
  readonly runtime: SandboxRuntime;
  readonly folder: SandboxFolder;
  readonly traffic: Traffic;
}

/** Longest wait for a lull in creates before containerd records a claim. */
const LATEST_MS = 250;
const RETRY_MS = 500;

/**
 * Claims of warm starts (write-behind). Each is in a file of its sandbox's folder before its process can start, and in
 * containerd after the answer: a file takes 0.1 ms, an update of containerd 2 ms and more. See docs/adr/0014.
 */
export class ClaimFiles {
  private readonly logger = new Logger(ClaimFiles.name);
  /** claims that containerd does not have yet, by sandbox id; `hurry` ends the wait for a lull */
  private readonly recording = new Map<string, { readonly work: Promise<void>; readonly hurry: () => void }>();

  constructor(private readonly parts: ClaimFileParts) {}

  /**
   * Writes the file into the container's folder: it becomes the sandbox's when its process runs.
   * @throws Error of fs
   */
  write(file: ClaimFile): void {
    writeFileSync(this.parts.folder.claimFile(file.containerId), JSON.stringify(file), { mode: 0o600 });
  }

  /** Deletes the claim of a container in which nothing ran: its sandbox goes to another, and two must not claim it. */
  retract(containerId: string): void {
    rmSync(this.parts.folder.claimFile(containerId), { force: true });
  }

  /** Records the claim in containerd, in the background. Retries until containerd has it, or has no such container. */
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

  /**
   * Resolves when containerd has the sandbox's claim. To be awaited before the container's record is read or changed.
   */
  async recorded(sandboxId: string): Promise<void> {
    const recording = this.recording.get(sandboxId);
    recording?.hurry();
    await recording?.work;
  }

  /** Resolves when containerd has all claims that are pending now. */
  async allRecorded(): Promise<void> {
    await Promise.all([...this.recording.keys()].map((sandboxId) => this.recorded(sandboxId)));
  }

  /**
   * Records the claims that an earlier agent process left in files. A folder still has its container's name where no
   * process was started.
   */
  async recordPending(): Promise<void> {
    for (const folder of await this.parts.folder.listOwn()) {
      const file = read(this.parts.folder.claimFile(folder));
      if (file) await this.recordInContainerd(folder, file);
    }
  }

  private async record(file: ClaimFile, now: AbortSignal): Promise<void> {
    const hurry = new Promise((resolve) => {
      now.addEventListener('abort', resolve, { once: true });
    });
    await Promise.race([this.parts.traffic.lull(LATEST_MS), hurry]);
    for (;;) {
      try {
        await this.recordInContainerd(file.claim.sandboxId, file);
        return;
      } catch (error) {
        this.logger.warn({ msg: 'claim not recorded in containerd, trying again', error: messageOf(error) });
      }
      await sleep(RETRY_MS);
    }
  }

  private async recordInContainerd(folder: string, { containerId, labels, claim }: ClaimFile): Promise<void> {
    try {
      await this.parts.runtime.claim(containerId, labels, claim);
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error; // removed meanwhile
    }
    rmSync(this.parts.folder.claimFile(folder), { force: true });
  }
}

/** @returns undefined for a truncated file: its agent died while writing it, before it ordered anything */
function read(path: string): ClaimFile | undefined {
  try {
    return ClaimFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
