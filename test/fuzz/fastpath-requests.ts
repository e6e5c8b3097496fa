import * as fc from 'fast-check';
import { type Field, Root, Type, Writer } from 'protobufjs';
import { resolve } from 'node:path';
import { hostileText } from './hostile';

const PROTO = resolve(__dirname, '../../proto');
const root = new Root();
root.resolvePath = (_origin, target) => resolve(PROTO, target);
root.loadSync('fastpath/v1/logs.proto', { keepCase: true });

/** Methods with a valid request that creates nothing, because its pool or sandbox does not exist. */
const CREATE = {
  ...{ image: 'busybox', pool_ref: 'nowhere', name: 'nobody', namespace: 'default', working_dir: '/tmp' },
  ...{ exposed_ports: [8080, 9000], command: ['/bin/sh'], args: ['-c', 'true'], envs: { MY_VAR: 'a' } },
  ...{ consistency_mode: 0, failure_policy: 1, recovery_timeout_seconds: 60, expire_time_seconds: 4_000_000_000 },
  ...{ resources: { cpu: '1', memory: '64Mi', pids: '10', ephemeral_storage: '1Gi' }, labels: { team: 'a' } },
  request_id: 'once',
};
const NAMED = { sandbox_name: 'nobody', namespace: 'default', sandbox_id: 'abc' };
export const METHODS = {
  'FastPathService/CreateSandbox': { type: 'CreateRequest', base: CREATE },
  'FastPathService/DeleteSandbox': { type: 'DeleteRequest', base: NAMED },
  'FastPathService/UpdateSandbox': {
    type: 'UpdateRequest',
    base: { ...NAMED, expire_time_seconds: 4_000_000_000, labels: { team: 'a' } },
  },
  'FastPathService/ListSandboxes': { type: 'ListRequest', base: { namespace: 'default', limit: 10 } },
  'FastPathService/GetSandbox': { type: 'GetRequest', base: NAMED },
  'SandboxLogService/StreamLogs': { type: 'StreamLogsRequest', base: { ...NAMED, follow: false, tail_lines: 10 } },
  'SandboxLogService/RunSandbox': { type: 'RunSandboxRequest', base: { sandbox: CREATE } },
} as const;
export type Method = keyof typeof METHODS;

export interface HostileRequest {
  readonly bytes: Uint8Array;
  /** field that a refusal must name; undefined: the bytes are not a valid message */
  readonly field: string | undefined;
  /** description for the report of a failure */
  readonly what: string;
}

/** A valid request with one hostile field. @param more fields that replace those of the plain request */
export function hostileFields(method: Method, more: object = {}): fc.Arbitrary<HostileRequest> {
  const { type: name, base } = METHODS[method];
  const request = { ...base, ...more };
  const isRun = name === 'RunSandboxRequest';
  const type = root.lookupType(`fastpath.v1.${isRun ? 'CreateRequest' : name}`);
  const plain: object = isRun ? { ...CREATE, ...more } : request;
  return fc.constantFrom(...type.fieldsArray).chain((field) =>
    valueOf(field).map((value) => {
      const others = type.encode(type.fromObject(withoutField(plain, field))).finish();
      const inner = Buffer.concat([others, encoded(type, field, value)]);
      const bytes = isRun ? Writer.create().uint32(10).bytes(inner).finish() : inner;
      return { what: `${field.name}: ${JSON.stringify(value)}`, field: field.name, bytes };
    }),
  );
}

/** Bytes in place of a message: a valid one truncated, changed or extended by arbitrary fields, or random bytes. */
export function hostileBytes(method: Method): fc.Arbitrary<HostileRequest> {
  const { type: name, base } = METHODS[method];
  const type = root.lookupType(`fastpath.v1.${name}`);
  const well = type.encode(type.fromObject(base)).finish();
  const at = fc.nat({ max: well.length - 1 });
  const raw = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    at.map((end) => well.subarray(0, end)),
    fc.tuple(at, fc.nat(255)).map(([index, byte]) => well.map((old, place) => (place === index ? byte : old))),
    fc.array(wireField, { minLength: 1, maxLength: 20 }).map((fields) => Buffer.concat([well, ...fields])),
    fc.nat({ max: 5_000 }).map((depth) => Buffer.concat([well, Buffer.alloc(depth, 0xa3), Buffer.alloc(depth, 0xa4)])),
  );
  return raw.map((bytes) => ({ what: Buffer.from(bytes).toString('hex'), field: undefined, bytes }));
}

/** Any field number with any wire type: known fields with a wrong type, unknown fields, false lengths. */
const wireField = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 26 }), fc.constantFrom(2 ** 29 - 1)),
    fc.nat(7),
    fc.uint8Array({ maxLength: 12 }),
  )
  .map(([number, wireType, content]) =>
    Buffer.concat([
      Writer.create()
        .uint32(((number << 3) | wireType) >>> 0)
        .finish(),
      content,
    ]),
  );

function valueOf(field: Field): fc.Arbitrary<unknown> {
  if (field.map) return fc.array(fc.tuple(hostileText, hostileText), { minLength: 1, maxLength: 4 });
  const one = scalarOf(field);
  if (!field.repeated) return one;
  const many = fc.tuple(
    fc.constantFrom(101, 2_000),
    fc.constantFrom<unknown>(...(field.type === 'string' ? ['', 'a', 'a'.repeat(500)] : [7])),
  );
  return fc.oneof(
    { weight: 9, arbitrary: fc.array(one, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: many.map(([count, item]) => Array<unknown>(count).fill(item)) },
  );
}

function scalarOf(field: Field): fc.Arbitrary<unknown> {
  const { type } = field;
  if (type === 'string') return hostileText;
  if (type === 'bool') return fc.boolean();
  if (type === 'int64')
    return fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String));
  if (type === 'int32')
    return fc.oneof(fc.integer(), fc.constantFrom(0, -1, 1, 65_535, 65_536, -(2 ** 31), 2 ** 31 - 1));
  const inner = field.resolve().resolvedType;
  if (inner instanceof Type) {
    const parts = inner.fieldsArray.map(({ name }) => [name, hostileText] as const);
    return fc.record(Object.fromEntries(parts), { requiredKeys: [] });
  }
  return fc.oneof(fc.integer({ min: -3, max: 9 }), fc.integer()); // an enum, with unknown numbers too
}

function withoutField(message: object, { name, partOf }: Field): object {
  const replaced = [name, ...(partOf?.oneof ?? [])];
  return Object.fromEntries(Object.entries(message).filter(([other]) => !replaced.includes(other)));
}

/** Encodes map entries directly: a JavaScript object cannot have `__proto__` as a key, or a key twice. */
function encoded(type: Type, field: Field, value: unknown): Uint8Array {
  if (!field.map) return type.encode(type.fromObject({ [field.name]: value })).finish();
  const writer = Writer.create();
  for (const [key, text] of value as [string, string][]) {
    const entry = Writer.create().uint32(10).string(key).uint32(18).string(text).finish();
    writer.uint32((field.id << 3) | 2).bytes(entry);
  }
  return writer.finish();
}
