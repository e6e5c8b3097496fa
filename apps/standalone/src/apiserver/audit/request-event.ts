import { type IncomingMessage } from 'node:http';
import { type AuditEvent, clipped, DECISION, sourceIps } from '@fsb/component-base/audit/audit-event';
import { microTime } from '@fsb/kit/times';
import { type User } from '../auth/authorization';
import { type ResourcePath } from '../http/resource-path';
import { type Verb } from '../http/verb';

/** What is known of a request; fields are added as it proceeds. */
export interface RequestFacts {
  readonly request: IncomingMessage;
  /** Unix milliseconds */
  readonly receivedAt: number;
  /** IP address of the caller, read early: a closed socket has none */
  readonly address: string | undefined;
  user?: User;
  path?: ResourcePath;
  verb?: Verb;
  /** authorization allows the request */
  isAllowed?: boolean;
  /** the object in the answer */
  object?: { readonly name?: string | undefined; readonly uid?: string | undefined };
}

export interface Answered {
  readonly auditId: string;
  /** HTTP status; 499: the caller disconnected first */
  readonly code: number;
}

const PEOPLE: ReadonlySet<User['role']> = new Set(['admin', 'tenant', 'viewer']);
const WRITES: ReadonlySet<Verb | undefined> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
/** Resources that the suite's processes write all the time without an order of a user. */
const CHATTER: ReadonlySet<string> = new Set(['events', 'leases', 'nodes', 'configmaps']);

/** Whether a request is recorded: changes, reads of logs and Secrets, and refusals. */
export function isRecorded({ user, path, verb }: RequestFacts, { code }: Answered): boolean {
  if (isRefused(code)) return true;
  if (!user || !path) return false;
  if (path.plural === 'secrets' || path.subresource === 'log') return true;
  if (!WRITES.has(verb)) return false;
  return PEOPLE.has(user.role) || !(CHATTER.has(path.plural) || path.subresource === 'status');
}

/** The record of a request, without its body and without messages that may quote it. Pure. */
export function requestEvent(facts: RequestFacts, { auditId, code }: Answered, now: number): AuditEvent {
  const { request, address, user, verb, receivedAt, isAllowed } = facts;
  const decision = isAllowed ? 'allow' : isRefused(code) ? 'forbid' : undefined;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: auditId,
    stage: 'ResponseComplete',
    requestURI: clipped(request.url ?? '', 2_000),
    verb: verb ?? (request.method ?? '').toLowerCase(),
    user: user ? { username: user.name, groups: [user.role] } : { username: 'system:anonymous', groups: [] },
    sourceIPs: sourceIps(address),
    userAgent: clipped(request.headers['user-agent'] ?? ''),
    ...objectOf(facts),
    responseStatus: { metadata: {}, ...(code >= 400 && { status: 'Failure' }), code },
    requestReceivedTimestamp: microTime(receivedAt),
    stageTimestamp: microTime(now),
    annotations: { [DECISION]: decision },
  };
}

export function isRefused(code: number): boolean {
  return code === 401 || code === 403;
}

function objectOf({ path, object }: RequestFacts): Pick<AuditEvent, 'objectRef'> {
  if (!path) return {};
  const text = (given: string | undefined): string | undefined => (given ? clipped(given) : undefined);
  const objectRef = {
    resource: clipped(path.plural),
    namespace: text(path.namespace),
    name: text(path.name) ?? object?.name,
    uid: object?.uid,
    apiGroup: text(path.group),
    apiVersion: text(path.version),
    subresource: text(path.subresource),
  };
  return { objectRef };
}
