import { ApiError } from '@fsb/api/errors';
import { GROUP } from '@fsb/api/sandbox';
import { clip } from '@fsb/kit/clip';
import { rfc3339 } from '@fsb/kit/times';

/** Longest grace period: an hour, as agents limit it. */
const MAX_GRACE_SECONDS = 3_600;

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const SANDBOX_ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DEFAULT_NAMESPACE = 'default';
/** 9999-12-31T23:59:59Z, the last second of RFC 3339, which has four digits for the year. */
const MAX_UNIX_SECONDS = 253_402_300_799;

/** @returns an ApiError invalid_argument that names the field */
export function invalid(field: string, what: string): ApiError {
  return new ApiError('invalid_argument', `${field}: ${what}`);
}

/** Checks the name of a Kubernetes object, a DNS subdomain of RFC 1123. @throws ApiError invalid_argument */
export function objectName(field: string, value: string): string {
  if (value.length <= 253 && SUBDOMAIN.test(value)) return value;
  throw invalid(
    field,
    value === ''
      ? 'is required'
      : `"${shown(value)}" must be at most 253 of a-z, 0-9, - and ., beginning and ending with a letter or digit`,
  );
}

/** Checks a namespace; empty becomes `default`. @throws ApiError invalid_argument */
export function namespaceName(value: string): string {
  if (value === '') return DEFAULT_NAMESPACE;
  if (LABEL.test(value)) return value;
  throw invalid(
    'namespace',
    `"${shown(value)}" must be at most 63 of a-z, 0-9 and -, beginning and ending with a letter or digit`,
  );
}

/**
 * Checks the sandbox id of a precondition; empty: none. Agents accept the same form.
 * @throws ApiError invalid_argument
 */
export function sandboxIdOrNone(field: string, value: string): string {
  if (value === '' || SANDBOX_ID.test(value)) return value;
  throw invalid(field, `"${shown(value)}" must be 1 to 63 of a-z, 0-9 and -, as the create answered it`);
}

/** Checks labels by Kubernetes' rules, and that none has a prefix of this system. @throws ApiError invalid_argument */
export function checkLabels(labels: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(labels)) {
    const slash = key.indexOf('/');
    const prefix = slash < 0 ? undefined : key.slice(0, slash);
    const isName = LABEL_NAME.test(key.slice(slash + 1));
    if (!isName || (prefix !== undefined && (prefix.length > 253 || !SUBDOMAIN.test(prefix)))) {
      throw invalid('labels', `"${shown(key)}" is not a label key, as in team or example.org/team`);
    }
    if (value !== '' && !LABEL_NAME.test(value)) {
      throw invalid('labels', `the value of ${shown(key)} must be at most 63 of A-Z, a-z, 0-9, -, _ and .`);
    }
    if (prefix === GROUP || prefix?.endsWith(`.${GROUP}`) === true)
      throw invalid('labels', `"${shown(key)}" is the system's own`);
  }
}

/** Converts Unix seconds to RFC 3339. @throws ApiError invalid_argument */
export function instant(field: string, unixSeconds: number): string {
  if (!Number.isSafeInteger(unixSeconds) || unixSeconds < 1 || unixSeconds > MAX_UNIX_SECONDS) {
    throw invalid(field, `${unixSeconds} must be Unix seconds up to the year 9999`);
  }
  return rfc3339(unixSeconds * 1000);
}

/** Checks a recovery timeout in seconds. @throws ApiError invalid_argument */
export function recoveryTimeout(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1) return seconds;
  throw invalid('recovery_timeout_seconds', `${seconds} must be at least 1`);
}

/** Checks a grace period: seconds from the stop signal to SIGKILL. @throws ApiError invalid_argument */
export function gracePeriod(field: string, seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_GRACE_SECONDS) return seconds;
  throw invalid(field, `${seconds} must be from 0 to ${MAX_GRACE_SECONDS}`);
}

/** Text of a caller, clipped for a message: it may be a megabyte long. */
export function shown(text: string): string {
  return clip(text, 80);
}
