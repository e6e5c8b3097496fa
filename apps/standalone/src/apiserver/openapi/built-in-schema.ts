import * as models from '@kubernetes/client-node';
import { type Json } from '../kube-object';

interface Attribute {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}

const PRIMITIVES: Readonly<Record<string, Json>> = {
  string: { type: 'string' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  any: { 'x-kubernetes-preserve-unknown-fields': true },
  object: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  Date: { type: 'string', format: 'date-time' },
  V1MicroTime: { type: 'string', format: 'date-time' },
  IntOrString: { 'x-kubernetes-int-or-string': true },
};

/** Maps of quantities, which may be written as numbers; the models have them as maps of text. */
const QUANTITIES = new Set(['limits', 'requests', 'capacity', 'allocatable', 'hard', 'used']);

const known = new Map<string, Json>();
const names = new WeakMap<Json, string>();

/** The OpenAPI schema of one of Kubernetes' own kinds, from the models that client-node was generated with. */
export function builtInSchema(model: string): Json {
  const found = known.get(model);
  if (found) return found;
  const properties: Json = {};
  const schema = { type: 'object', properties };
  names.set(schema, model);
  known.set(model, schema); // before its fields: JSONSchemaProps and the like contain themselves
  for (const { baseName, type, format } of attributesOf(model)) {
    const isQuantities = QUANTITIES.has(baseName) && type === '{ [key: string]: string; }';
    properties[baseName] = isQuantities
      ? { type: 'object', additionalProperties: { 'x-kubernetes-int-or-string': true } }
      : fieldSchema(type, format);
  }
  return schema;
}

/** The model's name where the schema is one: definitions refer to each other by it. */
export function modelOf(schema: Json): string | undefined {
  return names.get(schema);
}

function attributesOf(model: string): readonly Attribute[] {
  const type = (models as unknown as Record<string, { getAttributeTypeMap?: () => Attribute[] } | undefined>)[model];
  if (!type?.getAttributeTypeMap) throw new Error(`client-node has no model ${model}`);
  return type.getAttributeTypeMap();
}

function fieldSchema(type: string, format: string): Json {
  const list = /^(?:Array|Set)<(.*)>$/.exec(type);
  if (list) return { type: 'array', items: fieldSchema(list[1] ?? '', format) };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map) return { type: 'object', additionalProperties: fieldSchema(map[1] ?? '', format) };
  if (type === 'number' && format.startsWith('int')) return { type: 'integer', format };
  return PRIMITIVES[type] ?? builtInSchema(type);
}
