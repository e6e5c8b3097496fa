import { parse, type Type } from 'protobufjs';
import { isJson, type Json } from '../kube-object';
import { StatusError } from '../status-error';

/** Prefix of every protobuf body of Kubernetes. */
const MAGIC = Buffer.from('k8s\0');

/** Messages of kubectl since 1.32, which sends typed objects as protobuf and has no fallback to JSON. */
const PROTO = `
syntax = "proto2";
message Unknown { optional TypeMeta typeMeta = 1; optional bytes raw = 2; }
message TypeMeta { optional string apiVersion = 1; optional string kind = 2; }
message ObjectMeta {
  optional string name = 1; optional string generateName = 2; optional string namespace = 3;
  map<string, string> labels = 11; map<string, string> annotations = 12; repeated string finalizers = 14;
}
message Namespace { optional ObjectMeta metadata = 1; }
message ConfigMap {
  optional ObjectMeta metadata = 1; map<string, string> data = 2; map<string, bytes> binaryData = 3;
  optional bool immutable = 4;
}
message Secret {
  optional ObjectMeta metadata = 1; map<string, bytes> data = 2; optional string type = 3;
  map<string, string> stringData = 4; optional bool immutable = 5;
}
message DeleteOptions {
  optional int64 gracePeriodSeconds = 1; optional Preconditions preconditions = 2;
  optional bool orphanDependents = 3; optional string propagationPolicy = 4; repeated string dryRun = 5;
}
message Preconditions { optional string uid = 1; optional string resourceVersion = 2; }
message ResourceAttributes {
  optional string namespace = 1; optional string verb = 2; optional string group = 3; optional string version = 4;
  optional string resource = 5; optional string subresource = 6; optional string name = 7;
}
message ReviewSpec { optional ResourceAttributes resourceAttributes = 1; }
message SelfSubjectAccessReview { optional ObjectMeta metadata = 1; optional ReviewSpec spec = 2; }
message SelfSubjectReview { optional ObjectMeta metadata = 1; }
`;
const SERVED = ['Namespace', 'ConfigMap', 'Secret', 'DeleteOptions', 'SelfSubjectAccessReview', 'SelfSubjectReview'];

const { root } = parse(PROTO, { keepCase: true });

/** @throws StatusError 400 for another format, 415 for a kind that is not in SERVED */
export function fromProtobuf(body: Buffer): Json {
  if (body.length === 0) return {};
  if (!body.subarray(0, MAGIC.length).equals(MAGIC))
    throw StatusError.badRequest('the body is not Kubernetes protobuf');
  const { typeMeta, raw } = decode(root.lookupType('Unknown'), body.subarray(MAGIC.length));
  const { apiVersion, kind } = isJson(typeMeta) ? typeMeta : {};
  if (typeof kind !== 'string' || !SERVED.includes(kind)) {
    throw StatusError.unsupportedMediaType(`${String(kind)} is served as application/json, not as protobuf`);
  }
  const object = decode(root.lookupType(kind), Buffer.from(typeof raw === 'string' ? raw : '', 'base64'));
  return { apiVersion, kind, ...object };
}

function decode(type: Type, bytes: Uint8Array): Json {
  try {
    const plain = type.toObject(type.decode(bytes), { longs: Number, bytes: String });
    return filled(plain);
  } catch (error) {
    throw StatusError.badRequest(`the body is not a ${type.name}: ${error instanceof Error ? error.message : ''}`);
  }
}

/** Without empty fields: Go encodes them, while JSON omits them. */
function filled(object: Json): Json {
  const entries = Object.entries(object)
    .map(([key, value]): [string, unknown] => [key, isJson(value) ? filled(value) : value])
    .filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0));
  return Object.fromEntries(entries);
}
