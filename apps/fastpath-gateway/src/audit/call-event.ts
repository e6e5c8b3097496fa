import { type Metadata, status } from '@grpc/grpc-js';
import { GROUP, SANDBOXES, VERSION } from '@fsb/api/sandbox';
import {
  type AuditEvent,
  clipped,
  DECISION,
  type ResponseStatus,
  sourceIps,
} from '@fsb/component-base/audit/audit-event';
import { microTime } from '@fsb/kit/times';
import { type CallerAdmission, admissionOf } from '../access/caller';
import { type AuditedMethod, httpStatus } from './audited-methods';

/** Fields of the requests that identify a sandbox. A record takes no others of a create: they may hold secrets. */
export interface NamedRequest {
  readonly namespace?: string;
  /** of a create */
  readonly name?: string;
  readonly image?: string;
  readonly requestId?: string;
  readonly sandboxName?: string;
  readonly sandboxId?: string;
  /** of a run */
  readonly sandbox?: NamedRequest | undefined;
}

/** Fields of the answers that identify a sandbox. */
export interface NamedAnswer {
  readonly sandboxName?: string;
  readonly sandboxId?: string;
  /** of an update */
  readonly success?: boolean;
  /** of a run */
  readonly created?: NamedAnswer | undefined;
}

/** Identity of a sandbox when the call arrived, as far as the gateway knew it. */
export interface Identity {
  readonly uid?: string | undefined;
  readonly sandboxId?: string | undefined;
}

/** Facts of a call, filled in as it proceeds. */
export interface CallFacts {
  readonly auditId: string;
  readonly path: string;
  readonly method: AuditedMethod;
  /** Unix milliseconds */
  readonly receivedAt: number;
  readonly address: string | undefined;
  metadata?: Metadata;
  request?: NamedRequest;
  identity?: Identity;
  answer?: NamedAnswer;
  /** the caller cancelled before the answer was sent */
  callerLeft?: boolean;
}

export interface CallEnd {
  readonly code: status;
  readonly details: string;
}

/** Codes whose messages are recorded: they name a refused caller or a limit. Other messages may quote a command. */
const RECORDED_MESSAGES: ReadonlySet<status> = new Set([
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
]);
const MAX_MESSAGE = 500;
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The audit event of a call. Pure.
 * @param end undefined while a streamed answer goes on: the stage is then ResponseStarted
 * @param now Unix milliseconds
 */
export function callEvent(facts: CallFacts, end: CallEnd | undefined, now: number): AuditEvent {
  const { auditId, path, method, metadata, address, receivedAt } = facts;
  const admission = admissionOf(metadata);
  const { name, groups, uid, extra } = admission.caller;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: auditId,
    stage: end ? 'ResponseComplete' : 'ResponseStarted',
    requestURI: path,
    verb: method.verb,
    user: { username: name, uid, groups, extra },
    sourceIPs: sourceIps(address),
    userAgent: text(metadata?.get('user-agent')[0]?.toString()),
    objectRef: objectOf(facts),
    responseStatus: statusOf(end),
    requestReceivedTimestamp: microTime(receivedAt),
    stageTimestamp: microTime(now),
    annotations: annotationsOf(facts, admission, end, now),
  };
}

function objectOf({ method, request, identity, answer }: CallFacts): NonNullable<AuditEvent['objectRef']> {
  const { namespace, name = '', sandboxName = name } = subject(request);
  return {
    resource: SANDBOXES,
    namespace: text(namespace) ?? 'default',
    // a create without a name has the generated one, from its answer
    name: text(sandboxName) ?? made(answer).sandboxName,
    uid: identity?.uid,
    apiGroup: GROUP,
    apiVersion: VERSION,
    subresource: text(method.subresource),
  };
}

function statusOf(end: CallEnd | undefined): ResponseStatus {
  if (!end) return { metadata: {}, code: 200 };
  const { code, reason } = httpStatus(end.code);
  if (end.code === status.OK) return { metadata: {}, code };
  const message = RECORDED_MESSAGES.has(end.code) ? clipped(end.details, MAX_MESSAGE) : undefined;
  return { metadata: {}, status: 'Failure', reason, message, code };
}

function annotationsOf(
  facts: CallFacts,
  admission: CallerAdmission,
  end: CallEnd | undefined,
  now: number,
): AuditEvent['annotations'] {
  const { image, requestId } = subject(facts.request);
  return {
    [DECISION]: decision(admission, end),
    'sandbox.fast.io/authentication': authentication(admission, facts.metadata),
    'sandbox.fast.io/grpc-status': end && status[end.code],
    'sandbox.fast.io/latency-ms': String(now - facts.receivedAt),
    'sandbox.fast.io/sandbox-id': text(sandboxIdOf(facts)),
    'sandbox.fast.io/image': text(image),
    'sandbox.fast.io/request-id': text(requestId),
    'sandbox.fast.io/trace-id': traceIdOf(facts.metadata),
    'sandbox.fast.io/changed': made(facts.answer).success === false ? 'false' : undefined,
    'sandbox.fast.io/caller-left': facts.callerLeft === true ? 'true' : undefined,
  };
}

/** The text, clipped to the length of a name; undefined when it is empty. */
function text(given: string | undefined): string | undefined {
  return given === undefined || given === '' ? undefined : clipped(given);
}

/** The id in the answer, else the id that the name had, else the id that the request gave. */
function sandboxIdOf({ answer, identity, request }: CallFacts): string | undefined {
  return made(answer).sandboxId ?? identity?.sandboxId ?? request?.sandboxId;
}

function traceIdOf(metadata: Metadata | undefined): string | undefined {
  return TRACEPARENT.exec(metadata?.get('traceparent')[0]?.toString() ?? '')?.[1];
}

/** undefined when the call ended before a decision, for example because the API server was unavailable. */
function decision({ isAdmitted }: CallerAdmission, end: CallEnd | undefined): 'allow' | 'forbid' | undefined {
  if (isAdmitted) return 'allow';
  return end && isRefusedCaller(end.code) ? 'forbid' : undefined;
}

/** Whether a call was refused for its caller: unauthenticated or not allowed. */
export function isRefusedCaller(code: status): boolean {
  return code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED;
}

function authentication(
  { isKnown }: CallerAdmission,
  metadata: Metadata | undefined,
): 'token' | 'certificate' | 'none' {
  if (!isKnown) return 'none';
  return metadata?.get('authorization').length ? 'token' : 'certificate';
}

function subject(request: NamedRequest | undefined): NamedRequest {
  return request?.sandbox ?? request ?? {};
}

function made(answer: NamedAnswer | undefined): NamedAnswer {
  return answer?.created ?? answer ?? {};
}
