import { clip } from '@fsb/kit/clip';

/** An audit record, in Kubernetes' form: tools for the audit log of a kube-apiserver read it. JSON omits undefined. */
export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  /** who did what to which object, without the contents */
  readonly level: 'Metadata';
  readonly auditID: string;
  readonly stage: AuditStage;
  /** for gRPC the path, which names service and method */
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  readonly sourceIPs: readonly string[];
  readonly userAgent?: string | undefined;
  readonly objectRef?: AuditObjectReference;
  readonly responseStatus?: ResponseStatus;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations: Readonly<Record<string, string | undefined>>;
}

/** ResponseStarted is recorded for a stream when it begins; its end is a second record, ResponseComplete. */
export type AuditStage = 'ResponseStarted' | 'ResponseComplete';

export interface AuditUser {
  readonly username?: string;
  readonly uid?: string | undefined;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

export interface AuditObjectReference {
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly uid?: string | undefined;
  readonly apiGroup?: string | undefined;
  readonly apiVersion?: string | undefined;
  readonly subresource?: string | undefined;
}

export interface ResponseStatus {
  readonly metadata: Readonly<Record<string, never>>;
  readonly status?: 'Failure';
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** HTTP status */
  readonly code: number;
}

/** Kubernetes' annotation of this name. */
export const DECISION = 'authorization.k8s.io/decision';

/** The text, limited to a name's length: a caller may send a megabyte as a name. */
export function clipped(text: string, most = 253): string {
  return clip(text, most);
}

/** The caller's address for a record. Node prefixes an IPv4 address with `::ffff:` on a dual-stack socket. */
export function sourceIps(address: string | undefined): string[] {
  return address === undefined ? [] : [address.replace(/^::ffff:/, '')];
}
