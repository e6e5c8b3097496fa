import { closeSync, openSync } from 'node:fs';
import { messageOf } from '@fsb/api/errors';
import { z } from 'zod';
import { type ConfigOf, flag, wholeNumber } from '../config';

export const STDOUT = '-';
/** Only the process's own user may read the log. */
export const AUDIT_MODE = 0o600;

/** Flags, named as kube-apiserver's. */
export const auditFlags = {
  auditLogPath: flag(z.string().default(''), 'File of the audit log, one line per call; - is stdout, empty: no log'),
  auditLogMaxsize: flag(wholeNumber(1, 10_000).default(100), 'Size of the audit log in MiB above which it is rotated'),
  auditLogMaxbackup: flag(wholeNumber(1, 1_000).default(5), 'Rotated audit logs to keep'),
};
export type AuditConfig = ConfigOf<typeof auditFlags>;

/** Checks at start that the log can be written: not only after an incident. @returns the problem, or none */
export function auditProblems({ auditLogPath: path }: AuditConfig): string[] {
  if (path === '' || path === STDOUT) return [];
  try {
    closeSync(openSync(path, 'a', AUDIT_MODE));
    return [];
  } catch (error) {
    return [`--audit-log-path: cannot write ${path}: ${messageOf(error)}`];
  }
}
