import { clip } from '@fsb/kit/clip';
import { type Json } from './kube-object';

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** Bounds of a message, which quotes values of the request, and of its causes, one for each invalid field. */
const MAX_MESSAGE_CHARS = 4_096;
const MAX_CAUSES = 100;

interface Subject {
  readonly group?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A Kubernetes `Status` failure: HTTP code, machine-readable reason, and a message for people. */
export class StatusError extends Error {
  override readonly name = 'StatusError';

  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details?: Subject,
  ) {
    super(clip(message, MAX_MESSAGE_CHARS));
  }

  static badRequest(message: string): StatusError {
    return new StatusError(400, 'BadRequest', message);
  }

  static notFound(resource: string, group: string, name: string): StatusError {
    return new StatusError(404, 'NotFound', `${qualified(resource, group)} "${name}" not found`, {
      name,
      group,
      kind: resource,
    });
  }

  static alreadyExists(resource: string, group: string, name: string): StatusError {
    const details = { name, group, kind: resource };
    return new StatusError(409, 'AlreadyExists', `${qualified(resource, group)} "${name}" already exists`, details);
  }

  static conflict(resource: string, group: string, name: string, why: string): StatusError {
    const message = `Operation cannot be fulfilled on ${qualified(resource, group)} "${name}": ${why}`;
    return new StatusError(409, 'Conflict', message, { name, group, kind: resource });
  }

  static invalid(kind: string, group: string, name: string, causes: readonly StatusCause[]): StatusError {
    const clipped = causes
      .slice(0, MAX_CAUSES)
      .map((cause) => ({ ...cause, message: clip(cause.message, MAX_MESSAGE_CHARS) }));
    const list = clipped.map(({ field, message }) => `${field}: ${message}`);
    if (causes.length > clipped.length) list.push(`and ${causes.length - clipped.length} more`);
    const text = list.length === 1 ? (list[0] ?? '') : `[${list.join(', ')}]`;
    const message = `${qualified(kind, group)} "${name}" is invalid: ${text}`;
    return new StatusError(422, 'Invalid', message, { name, group, kind, causes: clipped });
  }

  static expired(message: string): StatusError {
    return new StatusError(410, 'Expired', message);
  }

  static notServed(what: string): StatusError {
    const message = `${what} is not served here: this is the one-machine API server of Fast Sandbox, not a whole Kubernetes`;
    return new StatusError(404, 'NotFound', message);
  }

  static unsupportedMediaType(message: string): StatusError {
    return new StatusError(415, 'UnsupportedMediaType', message);
  }

  static notAllowed(what: string): StatusError {
    return new StatusError(405, 'MethodNotAllowed', `${what} is not supported by the one-machine API server`);
  }

  toStatus(): Json {
    const { code, reason, message, details } = this;
    const base = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason };
    const present = Object.entries(details ?? {}).filter(([, value]) => value !== '');
    return details ? { ...base, details: Object.fromEntries(present), code } : { ...base, code };
  }
}

export function qualified(resource: string, group: string): string {
  return group === '' ? resource : `${resource}.${group}`;
}
