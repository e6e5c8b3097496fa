import { Logger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type JanitorConfig } from '../janitor.config';
import { type Removals } from '../removals';
import { Suspects } from '../suspects';
import { type ClusterEvidence } from '../sweep/cluster-evidence';
import { type NodeOrphan, type OrphanSource } from './node-orphan';

export interface LeftoverSweepParts {
  readonly sources: readonly OrphanSource[];
  readonly evidence: ClusterEvidence;
  readonly removals: Removals;
}

/** Consecutive runs with a failed removal before the retry is left to the next sweep. */
const MAX_FAILURES = 5;

/** Sweep of orphans that are not containers. Each is removed once it was seen orphaned for the whole orphan timeout. */
export class NodeOrphanSweep {
  private readonly logger = new Logger(NodeOrphanSweep.name);
  private readonly suspects = new Suspects();
  private failures = 0;

  constructor(
    private readonly config: Pick<JanitorConfig, 'orphanTimeout' | 'dryRun'>,
    private readonly parts: LeftoverSweepParts,
  ) {}

  /**
   * @returns milliseconds until the next run; undefined: with the next sweep
   * @throws Error when a removal failed and is to be retried
   */
  async run(): Promise<number | undefined> {
    const { evidence, sources } = this.parts;
    const installation = await evidence.installation();
    const isSame = await evidence.isSameCluster();
    const keys = new Set<string>();
    let waiting = false;
    let failed = false;
    for (const source of sources) {
      for (const leftover of await this.find(source, installation)) {
        const key = `${leftover.kind} ${leftover.name}`;
        keys.add(key);
        if (!isSame || !this.isRipe(key, leftover)) waiting = true;
        else if (!(await this.remove(source, leftover))) failed = true;
      }
    }
    this.suspects.clearOthers(keys);
    this.judgeFailures(failed);
    return waiting ? this.config.orphanTimeout : undefined;
  }

  /** A source that fails has no suspects: their times start again from 0. */
  private async find(source: OrphanSource, installation: string): Promise<NodeOrphan[]> {
    try {
      return await source.find(installation);
    } catch (error) {
      this.logger.warn({ msg: 'cannot list orphans; the next sweep tries again', error: messageOf(error) });
      return [];
    }
  }

  private isRipe(key: string, { sinceMs }: NodeOrphan): boolean {
    const { orphanTimeout } = this.config;
    const seenMs = this.suspects.seen(key);
    return seenMs >= orphanTimeout && (sinceMs === undefined || Date.now() - sinceMs >= orphanTimeout);
  }

  private async remove(source: OrphanSource, leftover: NodeOrphan): Promise<boolean> {
    try {
      await this.parts.removals.run(leftover, () => source.remove(leftover));
      return true;
    } catch {
      return false; // logged and counted by Removals
    }
  }

  private judgeFailures(failed: boolean): void {
    this.failures = failed ? this.failures + 1 : 0;
    if (this.failures > 0 && this.failures < MAX_FAILURES) throw new Error('some orphans could not be removed');
    this.failures = 0;
  }
}
