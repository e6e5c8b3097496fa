import { SANDBOX_FINALIZER } from '@fsb/api/labels';
import { ApiError, type ErrorCode } from '@fsb/api/errors';
import { API_VERSION, type Sandbox } from '@fsb/api/sandbox';
import { type Informer } from '@fsb/controller-runtime/informer';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { viewOfObject } from '../sandboxes/sandbox-view';
import { type CreateOrder, templateOf } from './create-order';
import { type Created, type CreateMode } from './create-mode';

/** Reasons of a Failed sandbox that are the request's own fault. */
const FAILURES: Readonly<Record<string, ErrorCode>> = {
  CommandNotFound: 'not_found',
  ImageNotFound: 'not_found',
  InvalidArgument: 'invalid_argument',
};

/** The object first; the sandbox-controller places it, the answer waits until it runs or definitely cannot. */
export class StrongCreate implements CreateMode {
  private readonly waiting = new Map<string, (sandbox: Sandbox | undefined) => void>();

  constructor(
    private readonly client: KubeClient,
    sandboxes: Informer<Sandbox>,
  ) {
    sandboxes.onChange((_key, current, previous) => {
      const uid = (current ?? previous)?.metadata.uid ?? '';
      this.waiting.get(uid)?.(current);
    });
  }

  async create(order: CreateOrder, signal: AbortSignal, deadline: number): Promise<Created> {
    const started = performance.now();
    const object = await this.client.create(SANDBOX_KIND, objectOf(order), {
      deadlineMs: Math.max(1, deadline - Date.now()),
    });
    const objectMs = performance.now() - started;
    const settled = await this.settled(object, signal, deadline);
    const { sandboxId, agentPod, endpoints, sandboxName } = viewOfObject(settled);
    return {
      response: { sandboxId, agentPod, endpoints, sandboxName },
      stages: [
        { name: 'object', ms: objectMs },
        { name: 'running', ms: performance.now() - started - objectMs },
      ],
    };
  }

  private settled({ metadata }: Sandbox, signal: AbortSignal, deadline: number): Promise<Sandbox> {
    const { uid = '', name = '' } = metadata;
    return new Promise<Sandbox>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.waiting.delete(uid);
      };
      const giveUp = (): void => {
        end();
        reject(new ApiError('deadline_exceeded', `sandbox "${name}" is still being placed; ask for it by name`));
      };
      const timer = setTimeout(giveUp, Math.max(0, deadline - Date.now()));
      signal.addEventListener('abort', giveUp, { once: true });
      this.waiting.set(uid, (sandbox) => {
        const outcome = outcomeOf(sandbox, name);
        if (!outcome) return;
        end();
        if (outcome instanceof ApiError) reject(outcome);
        else resolve(outcome);
      });
      if (signal.aborted) giveUp();
    });
  }
}

/** The sandbox that runs or ran, why it never will, or nothing while that is open. */
function outcomeOf(sandbox: Sandbox | undefined, name: string): Sandbox | ApiError | undefined {
  const ended = new ApiError('aborted', `sandbox "${name}" was ended before it ran`);
  if (!sandbox) return ended;
  const { phase, exitCode, reason = '', message = reason } = sandbox.status ?? {};
  switch (phase) {
    case 'Running':
    case 'Succeeded':
      return sandbox;
    case 'Expired':
      return ended;
    case 'Failed':
      if (exitCode !== undefined) return sandbox;
      return new ApiError(FAILURES[reason] ?? 'failed_precondition', `sandbox "${name}" failed: ${message}`);
    default:
      return undefined;
  }
}

function objectOf(order: CreateOrder): Sandbox {
  const { metadata, spec } = templateOf(order);
  const { name, namespace } = order;
  return {
    apiVersion: API_VERSION,
    kind: 'Sandbox',
    metadata: {
      ...{ name, namespace },
      labels: { ...metadata.labels },
      annotations: { ...metadata.annotations },
      finalizers: [SANDBOX_FINALIZER],
    },
    spec,
  };
}
