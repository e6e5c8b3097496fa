import { closeSync, openSync } from 'node:fs';
import { messageOf } from '@fsb/api/errors';
import { z } from 'zod';
import { type ConfigOf, flag, wholeNumber } from '../config';

export const STDOUT = '-';
/** root's, or whoever runs the process */
export const AUDIT_MODE = 0o600;

/** By kube-apiserver's names. */
export const auditFlags = {
  auditLogPath: flag(z.string().default(''), 'File for a record of each call, a line each; - is stdout, empty: none'),
  auditLogMaxsize: flag(wholeNumber(1, 10_000).default(100), 'MiB of the file, above which another is begun'),
  auditLogMaxbackup: flag(wholeNumber(1, 1_000).default(5), 'Earlier files that are kept'),
};
export type AuditConfig = ConfigOf<typeof auditFlags>;

/** Nobody should find out after an incident that nothing was written. */
export function auditProblems({ auditLogPath: path }: AuditConfig): string[] {
  if (path === '' || path === STDOUT) return [];
  try {
    closeSync(openSync(path, 'a', AUDIT_MODE));
    return [];
  } catch (error) {
    return [`--audit-log-path: cannot write ${path}: ${messageOf(error)}`];
  }
}
