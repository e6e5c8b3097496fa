import { type Condition } from '@fsb/api/sandbox';
import { setCondition } from '@fsb/controller-runtime/conditions';
import { type Pod } from '@fsb/controller-runtime/kinds';
import { rfc3339 } from '@fsb/kit/times';

/** State of a Pod's container, as in its status. */
export type ContainerPhase =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message: string }
  | { readonly kind: 'running'; readonly startedAt: Date; readonly ready: boolean; readonly id: string }
  | ({ readonly kind: 'terminated' } & ContainerEnd);

export interface ContainerEnd {
  readonly exitCode: number;
  readonly finishedAt: Date;
  /** text of `endReason` */
  readonly message: string;
}

export interface PodView {
  readonly pod: Pod;
  readonly phase: ContainerPhase;
  readonly ip: string | undefined;
  readonly hostIp: string;
  readonly restarts: number;
  readonly startTime: Date;
  /** end of the previous process */
  readonly last?: ContainerEnd | undefined;
}

const IMAGE_ID = 'process://fast-sandbox/node-agent';

export interface PodStatus {
  readonly conditions: Condition[];
  readonly [field: string]: unknown;
}

/** The whole `status` of a Pod, for a merge patch. Pure. */
export function podStatus(view: PodView, before: readonly Condition[], now: Date): PodStatus {
  const { pod, phase, ip, hostIp, restarts, startTime, last } = view;
  const [container] = pod.spec?.containers ?? [];
  const ready = phase.kind === 'running' && phase.ready;
  return {
    phase: podPhase(phase, restarts),
    hostIP: hostIp,
    startTime: rfc3339(startTime),
    conditions: conditions(before, ready, phase, now),
    ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
    containerStatuses: [
      {
        name: container?.name ?? '',
        image: container?.image ?? '',
        imageID: IMAGE_ID,
        ...(phase.kind === 'running' ? { containerID: phase.id } : {}),
        ready,
        started: phase.kind === 'running',
        restartCount: restarts,
        state: containerState(phase),
        lastState: last ? { terminated: terminated(last) } : {},
      },
    ],
  };
}

function podPhase(phase: ContainerPhase, restarts: number): string {
  if (phase.kind === 'terminated') return phase.exitCode === 0 ? 'Succeeded' : 'Failed';
  // as with a kubelet: a Pod whose container has started once is Running, also between restarts
  return phase.kind === 'running' || restarts > 0 ? 'Running' : 'Pending';
}

function conditions(before: readonly Condition[], ready: boolean, phase: ContainerPhase, now: Date): Condition[] {
  const yes = { status: 'True', reason: '', message: '' } as const;
  const no = {
    status: 'False',
    reason: 'ContainersNotReady',
    message: phase.kind === 'waiting' ? phase.message : 'the agent does not answer /readyz',
  } as const;
  const containers = ready ? yes : no;
  let all: Condition[] = [...before];
  all = setCondition(all, { type: 'PodScheduled', ...yes }, now);
  all = setCondition(all, { type: 'Initialized', ...yes }, now);
  all = setCondition(all, { type: 'ContainersReady', ...containers }, now);
  return setCondition(all, { type: 'Ready', ...containers }, now);
}

function containerState(phase: ContainerPhase): Record<string, unknown> {
  switch (phase.kind) {
    case 'waiting':
      return { waiting: { reason: phase.reason, message: phase.message } };
    case 'running':
      return { running: { startedAt: rfc3339(phase.startedAt) } };
    case 'terminated':
      return { terminated: terminated(phase) };
  }
}

function terminated({ exitCode, finishedAt, message }: ContainerEnd): Record<string, unknown> {
  return { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message, finishedAt: rfc3339(finishedAt) };
}
