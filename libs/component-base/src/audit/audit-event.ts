import { clip } from '@fsb/kit/clip';

/** What is in a record, by Kubernetes' names: what reads the audit log of a kube-apiserver reads these. JSON has no undefined. */
export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  /** who did what to which object; never what was in it */
  readonly level: 'Metadata';
  readonly auditID: string;
  readonly stage: AuditStage;
  /** of gRPC its path, which names service and method */
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  readonly sourceIPs: readonly string[];
  readonly userAgent?: string | undefined;
  readonly objectRef?: ObjectReference;
  readonly responseStatus?: ResponseStatus;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations: Readonly<Record<string, string | undefined>>;
}

/** ResponseStarted: of answers that go on for as long as their reader wants, which have a second record when they end. */
export type AuditStage = 'ResponseStarted' | 'ResponseComplete';

export interface AuditUser {
  readonly username?: string;
  readonly uid?: string | undefined;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

export interface ObjectReference {
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
  /** of HTTP */
  readonly code: number;
}

/** Kubernetes' annotations of the same names. */
export const DECISION = 'authorization.k8s.io/decision';

/** A caller may send a megabyte where a name belongs. */
export function clipped(text: string, most = 253): string {
  return clip(text, most);
}

/** As Node gives the address of a caller by IPv4 at a socket for both. */
export function sourceIps(address: string | undefined): string[] {
  return address === undefined ? [] : [address.replace(/^::ffff:/, '')];
}
