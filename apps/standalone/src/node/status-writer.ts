import { setTimeout as sleep } from 'node:timers/promises';
import { isApiError, messageOf } from '@fsb/api/errors';
import { type Pod, POD_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Logger } from 'pino';

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;

/**
 * Writes a Pod's status with retries while the Pod exists. Only the latest status is written; one that it replaces is
 * dropped.
 */
export class StatusWriter {
  private wanted: Record<string, unknown> | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly client: KubeClient,
    private readonly pod: Pod,
    private readonly logger: Logger,
    private readonly signal: AbortSignal,
  ) {}

  write(status: Record<string, unknown>): void {
    this.wanted = status;
    this.writing ??= this.deliver().finally(() => {
      this.writing = undefined;
    });
  }

  private async deliver(): Promise<void> {
    let delayMs = FIRST_RETRY_MS;
    while (this.wanted && !this.signal.aborted) {
      const status = this.wanted;
      this.wanted = undefined;
      const failure = await this.send(status);
      if (failure === undefined || (await this.isGone(failure))) continue;
      this.logger.warn({ msg: 'status not written', pod: this.pod.metadata.name, error: messageOf(failure) });
      this.wanted ??= status;
      await sleep(delayMs, undefined, { signal: this.signal }).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, LAST_RETRY_MS);
    }
  }

  /** A conflict alone does not tell: a real API server answers so too when others keep writing to the Pod. */
  private async isGone(failure: unknown): Promise<boolean> {
    if (isApiError(failure, 'not_found')) return true;
    if (!isApiError(failure, 'aborted')) return false;
    const { namespace = '', name = '', uid } = this.pod.metadata;
    try {
      return (await this.client.get(POD_KIND, { namespace, name })).metadata.uid !== uid;
    } catch (error) {
      return isApiError(error, 'not_found');
    }
  }

  private async send(status: Record<string, unknown>): Promise<unknown> {
    const { namespace = '', name = '', uid } = this.pod.metadata;
    try {
      // precondition: fails when another Pod has the name
      await this.client.patchStatus(POD_KIND, { namespace, name }, { metadata: { uid }, status });
      return undefined;
    } catch (error) {
      return error;
    }
  }
}
