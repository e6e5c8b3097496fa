import { isJson, type Json } from '../kube-object';
import { type Resource } from '../resources/resource';
import { modelOf } from './built-in-schema';

/** Keywords that kubectl reads; others, such as `default`, are only for the server. */
const KEPT = ['type', 'format', 'description', 'required', 'enum', 'pattern', 'minimum', 'maximum', 'minLength'];

/** Schemas by name: of the kinds and of all models they contain. References are `prefix` + name. */
export function definitions(resources: readonly Resource[], prefix: string): Record<string, Json> {
  return new Definitions(prefix).of(resources);
}

class Definitions {
  private readonly found: Record<string, Json> = {};

  constructor(private readonly prefix: string) {}

  of(resources: readonly Resource[]): Record<string, Json> {
    for (const { group, version, kind, schema } of resources) {
      const name = modelOf(schema);
      const reversed = group.split('.').reverse().join('.');
      const definition = this.written(schema);
      this.found[name === undefined ? `${reversed}.${version}.${kind}` : definitionName(name)] = {
        ...definition,
        'x-kubernetes-group-version-kind': [{ group, version, kind }],
      };
    }
    return this.found;
  }

  private shown(schema: Json): Json {
    const model = modelOf(schema);
    if (model === undefined) return this.written(schema);
    const name = definitionName(model);
    if (!(name in this.found)) {
      this.found[name] = {}; // before its fields: models may be recursive
      this.found[name] = this.written(schema);
    }
    return { $ref: `${this.prefix}${name}` };
  }

  private written(schema: Json): Json {
    if (schema['x-kubernetes-int-or-string'] === true) return { type: 'string', format: 'int-or-string' };
    const result = Object.fromEntries(Object.entries(schema).filter(([key]) => KEPT.includes(key)));
    const { properties, items, additionalProperties } = schema;
    if (isJson(items)) result['items'] = this.shown(items);
    if (isJson(additionalProperties)) result['additionalProperties'] = this.shown(additionalProperties);
    // left out where unknown fields are allowed: kubectl would refuse those not listed
    if (isJson(properties) && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
      const shown = Object.entries(properties).map(([key, value]) => [key, isJson(value) ? this.shown(value) : {}]);
      result['properties'] = Object.fromEntries(shown) as Json; // values are schemas
    }
    return result;
  }
}

/** `io.k8s.v1.PodSpec` for `V1PodSpec`; kubectl shows the part after the last dot. */
function definitionName(model: string): string {
  const [, version = 'V1', name = model] = /^(?:Core)?(V\d)(.*)$/.exec(model) ?? [];
  return `io.k8s.${version.toLowerCase()}.${name}`;
}
