import { type ObjectMeta } from '@fsb/api/sandbox';

/** Any object of the Kubernetes API as stored: frozen JSON with complete metadata. */
export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: StoredMeta;
  readonly [field: string]: unknown;
}

export interface StoredMeta extends ObjectMeta {
  name: string;
  deletionGracePeriodSeconds?: number;
}

export type Json = Record<string, unknown>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Value at a path of field names; undefined when a step is absent.
 * @example fieldAt(pod, ['status', 'phase']);
 */
export function fieldAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, step) => (isJson(value) ? value[step] : undefined), object);
}
