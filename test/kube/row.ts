import { type Json } from '../../apps/standalone/src/apiserver/kube-object';
import { type Reply } from '../support/kube-http';

/** The answer to an earlier request of the same table and server, by the request's name. */
export type Before = (name: string) => Reply;

export interface Ask {
  readonly path: string;
  /** text is sent verbatim, other values as JSON */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** for WATCH: number of events to wait for; absent: until the server ends the watch */
  readonly events?: number;
}

export interface Handling {
  /** repeats the request until this holds, for delayed effects of controllers */
  readonly until?: (reply: Reply) => boolean;
  /** the compared part of the body, when the rest exists on one server only */
  readonly view?: (body: Json) => unknown;
}

/** One request that is sent to both servers. `WATCH` is a GET whose events are the answer. */
export type Row = readonly [name: string, method: string, ask: string | Ask | ((before: Before) => Ask), Handling?];

/** Consecutive requests in a namespace of their own. */
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

/** The object of an answer with other metadata and fields, as the body of a request. */
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
