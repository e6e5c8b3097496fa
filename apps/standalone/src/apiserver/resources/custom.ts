import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@fsb/api/errors';
import { parse } from 'yaml';
import { z } from 'zod';
import { fieldAt, type Json } from '../kube-object';
import { builtInSchema } from '../openapi/built-in-schema';
import { SchemaRules } from '../validation/schema-rules';
import { kubectlAge, AGE_COLUMN, NAME_COLUMN } from './columns';
import { type Column, type Resource } from './resource';

const printerColumn = z.object({
  name: z.string(),
  type: z.enum(['string', 'integer', 'date']),
  jsonPath: z.string().regex(/^(\.\w+)+$/, 'only dotted paths are served here'),
  description: z.string().optional(),
  priority: z.number().optional(),
});

const version = z.object({
  name: z.string(),
  schema: z.object({ openAPIV3Schema: z.record(z.string(), z.unknown()) }),
  subresources: z.object({ status: z.object({}).optional() }).optional(),
  additionalPrinterColumns: z.array(printerColumn).default([]),
});

const definition = z.object({
  kind: z.literal('CustomResourceDefinition'),
  spec: z.object({
    group: z.string(),
    scope: z.enum(['Namespaced', 'Cluster']),
    names: z.object({
      plural: z.string(),
      singular: z.string(),
      kind: z.string(),
      shortNames: z.array(z.string()).default([]),
      categories: z.array(z.string()).default([]),
    }),
    versions: z.array(version).length(1, 'exactly one version is served here'),
  }),
});

/** Resources of the CustomResourceDefinitions in `directory`. @throws Error naming the file that cannot be served */
export async function loadCustomResources(directory: string): Promise<Resource[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(
    files.map(async (name) => customResource(parse(await readFile(join(directory, name), 'utf8')), name)),
  );
}

function customResource(document: unknown, file: string): Resource {
  const parsed = definition.safeParse(document);
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  const { group, scope, names, versions } = parsed.data.spec;
  const [served] = versions;
  if (!served) throw new Error(`${file}: no version`);
  const columns = served.additionalPrinterColumns.map(toColumn);
  return {
    ...names,
    group,
    version: served.name,
    namespaced: scope === 'Namespaced',
    hasStatus: served.subresources?.status !== undefined,
    isCustom: true,
    isCreatedByUpdate: false,
    selectableFields: [],
    columns: [NAME_COLUMN, ...(columns.length > 0 ? columns : [AGE_COLUMN])],
    schema: withMetadata(served.schema.openAPIV3Schema),
    rules: rulesOf(served.schema.openAPIV3Schema, file),
  };
}

/** @throws Error naming the file and the rule that this server cannot evaluate */
function rulesOf(schema: Json, file: string): SchemaRules {
  try {
    return SchemaRules.of(schema);
  } catch (error) {
    throw new Error(`${file}: ${messageOf(error)}`, { cause: error });
  }
}

function toColumn({ name, type, jsonPath, description, priority }: z.infer<typeof printerColumn>): Column {
  const path = jsonPath.slice(1).split('.');
  return {
    name,
    type,
    ...(description !== undefined && { description }),
    ...(priority !== undefined && { priority }),
    cell: (object) => {
      const value = fieldAt(object, path) ?? null;
      if (type === 'date') return kubectlAge(value);
      // lists and maps as JSON, as in Kubernetes' JSONPath
      return type === 'string' && typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
    },
  };
}

/** Inserts the schema of ObjectMeta, as Kubernetes does; the CRD has only `metadata: {type: object}`. */
function withMetadata(schema: Json): Json {
  const properties = schema['properties'] as Json;
  const text = { type: 'string' };
  return {
    ...schema,
    properties: { apiVersion: text, kind: text, ...properties, metadata: builtInSchema('V1ObjectMeta') },
  };
}
