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

/** Fields that are maps of quantities, which may be numbers; in the models they are maps of strings. */
const QUANTITIES = new Set(['limits', 'requests', 'capacity', 'allocatable', 'hard', 'used']);

const known = new Map<string, Json>();
const names = new WeakMap<Json, string>();

/** OpenAPI schema of a built-in kind, from the generated models of client-node. @throws Error for an unknown model */
export function builtInSchema(model: string): Json {
  const found = known.get(model);
  if (found) return found;
  const properties: Json = {};
  const schema = { type: 'object', properties };
  names.set(schema, model);
  known.set(model, schema); // before its fields: models such as JSONSchemaProps are recursive
  for (const { baseName, type, format } of attributesOf(model)) {
    const isQuantities = QUANTITIES.has(baseName) && type === '{ [key: string]: string; }';
    properties[baseName] = isQuantities
      ? { type: 'object', additionalProperties: { 'x-kubernetes-int-or-string': true } }
      : fieldSchema(type, format);
  }
  return schema;
}

/** Name of the model of a schema; definitions refer to each other by it. Undefined when it is no model. */
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
