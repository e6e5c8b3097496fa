import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ApiError, messageOf } from '@fsb/api/errors';
import { KeyedMutex } from '@fsb/component-base/keyed-mutex';
import { sandboxOfKeptLog } from '@fsb/node/sandbox-log-files';
import { type EndedLog, type EndedLogLimits, endedLogsToRemove, type RemovedLog } from './ended-logs-plan';
import { type SandboxLogs } from './sandbox-logs';

const FLAGS = { namespace: '--ended-logs-per-namespace', node: '--ended-logs-per-node' } as const;

/**
 * Logs of removed sandboxes whose objects stay. A record beside the log names its owner: SandboxLogs.remove spares a
 * log with a record. The janitor removes both when the object is gone. Agents of a node share the folder and the
 * limits.
 */
export class EndedLogs {
  private readonly logger = new Logger(EndedLogs.name);
  private readonly mutex = new KeyedMutex();

  constructor(
    private readonly logs: SandboxLogs,
    private readonly limits: EndedLogLimits,
  ) {}

  /**
   * Marks a log to stay, before its sandbox is removed. Idempotent. Without an object it is not kept: nobody could ask
   * for it.
   */
  async keep({ sandboxId, namespace, claimName, claimUid, finishedAt }: AgentSandboxStatus): Promise<void> {
    if (claimUid === '' || namespace === undefined || claimName === undefined) return;
    const endedAt = finishedAt ?? new Date().toISOString();
    try {
      if (await this.read(sandboxId)) return; // it may say that the log was removed
      await this.write({ sandboxId, namespace, name: claimName, uid: claimUid, endedAt });
      await this.bound();
    } catch (error) {
      // the removal goes on: a slot is worth more than a log
      this.logger.warn({ msg: 'the log of an ended sandbox is not kept', sandbox: sandboxId, error: messageOf(error) });
    }
  }

  /** @throws ApiError not_found where there is no kept log; failed_precondition where it was removed to make room */
  async require(sandboxId: string): Promise<void> {
    const log = await this.read(sandboxId);
    if (!log) throw new ApiError('not_found', `sandbox: ${sandboxId} is not on this agent`);
    if (!log.removed) return;
    const { at, limit, maxBytes } = log.removed;
    const rule = `a ${limit} keeps at most ${maxBytes} bytes of ended sandboxes' logs on a node (${FLAGS[limit]} of the agent)`;
    throw new ApiError(
      'failed_precondition',
      `log: that of ${sandboxId}, which ended at ${log.endedAt}, went at ${at}: ${rule}`,
    );
  }

  private async bound(): Promise<void> {
    await this.mutex.run('', async () => {
      const { forget, remove } = endedLogsToRemove(await this.list(), this.limits);
      for (const id of forget) await this.logs.discard(id);
      for (const { sandboxId, limit } of remove) await this.removeFor(sandboxId, limit);
    });
  }

  private async removeFor(sandboxId: string, limit: RemovedLog['limit']): Promise<void> {
    const log = await this.read(sandboxId);
    if (!log) return;
    const maxBytes = limit === 'namespace' ? this.limits.namespaceBytes : this.limits.nodeBytes;
    // first, so that a crash between the two leaves a record that gives the reason; the next bound removes the log
    if (!log.removed) await this.write({ ...log, removed: { at: new Date().toISOString(), limit, maxBytes } });
    await this.logs.discardContent(sandboxId);
  }

  private async list(): Promise<(EndedLog & { readonly bytes: number })[]> {
    const found: (EndedLog & { readonly bytes: number })[] = [];
    for (const file of await readdir(this.logs.folder)) {
      const id = sandboxOfKeptLog(file);
      const log = id === undefined ? undefined : await this.read(id);
      if (log) found.push({ ...log, bytes: await this.logs.bytesOnDisk(log.sandboxId) });
    }
    return found;
  }

  private async read(sandboxId: string): Promise<EndedLog | undefined> {
    try {
      return JSON.parse(await readFile(this.logs.keptFile(sandboxId), 'utf8')) as EndedLog; // written below
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.logger.warn({ msg: 'a record of a log cannot be read', sandbox: sandboxId, error: messageOf(error) });
      }
      return undefined;
    }
  }

  private async write(log: EndedLog): Promise<void> {
    const path = this.logs.keptFile(log.sandboxId);
    const next = `${path}.new`;
    await writeFile(next, JSON.stringify(log), { mode: 0o640 });
    await rename(next, path);
  }
}
