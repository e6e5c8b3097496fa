import { type Json } from '../../apps/standalone/src/apiserver/kube-object';
import { type Reply } from '../support/kube-http';

/** What an earlier request of the same table was answered, by its name; each server has its own. */
export type Before = (name: string) => Reply;

export interface Ask {
  readonly path: string;
  /** text goes as it is */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** of a WATCH: how many events it waits for; absent is until the server ends it */
  readonly events?: number;
}

export interface Handling {
  /** asked again until so: for what controllers do by and by */
  readonly until?: (reply: Reply) => boolean;
  /** the part of the answer that is compared, where the rest is about what only one of them has */
  readonly view?: (body: Json) => unknown;
}

/** One request that both servers get. `WATCH` is a GET whose events are the answer. */
export type Row = readonly [name: string, method: string, ask: string | Ask | ((before: Before) => Ask), Handling?];

/** Requests that follow each other, in a namespace of their own. */
export interface Table {
  readonly namespace: string;
  readonly rows: readonly Row[];
}

export const MERGE = { 'content-type': 'application/merge-patch+json' };
export const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
export const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
export const AS_TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

export function metaOf({ body }: Reply): Json {
  return body.metadata ?? {};
}

/** An answer's object with other metadata and fields, to be sent back. */
export function changed({ body }: Reply, metadata: Json, fields: Json = {}): Json {
  return { ...body, ...fields, metadata: { ...body.metadata, ...metadata } };
}

export const SANDBOX_GROUP = '/apis/sandbox.fast.io/v1alpha1';

export function sandbox(name: string | undefined, metadata: object = {}, spec: object = {}): Json {
  const object = { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox' };
  return {
    ...object,
    metadata: { ...(name !== undefined && { name }), ...metadata },
    spec: { image: 'alpine', poolRef: 'pool', ...spec },
  };
}
