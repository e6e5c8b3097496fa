import { createHash } from 'node:crypto';
import { type Json } from '../kube-object';
import { resourceApiVersion, type Resource } from '../resources/resource';
import { definitions } from './definitions';

export interface OpenApiV3 {
  readonly index: Json;
  /** by path below /openapi/v3, as in `apis/sandbox.fast.io/v1alpha1` */
  readonly documents: ReadonlyMap<string, Json>;
}

/** A document for each group and version, which kubectl since 1.27 reads before it writes or explains. */
export function openApiV3(resources: readonly Resource[]): OpenApiV3 {
  const documents = new Map<string, Json>();
  const paths: Json = {};
  for (const apiVersion of new Set(resources.map(resourceApiVersion))) {
    const kinds = resources.filter((resource) => resourceApiVersion(resource) === apiVersion);
    const document = {
      openapi: '3.0.0',
      info: { title: 'Fast Sandbox, one machine', version: apiVersion },
      paths: Object.fromEntries(kinds.map(pathOf)),
      components: { schemas: definitions(kinds, '#/components/schemas/') },
    };
    const path = rootOf(kinds[0]);
    const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 32);
    documents.set(path, document);
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  }
  return { index: { paths }, documents };
}

function rootOf(resource: Resource | undefined): string {
  const { group, version } = resource ?? { group: '', version: 'v1' };
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/** The operations, with the parameters by which kubectl detects that the server validates fields. */
function pathOf(resource: Resource): [string, Json] {
  const { plural, namespaced, group, version, kind } = resource;
  const operation = (action: string): Json => ({
    operationId: `${action}${kind}`,
    parameters: ['fieldValidation', 'dryRun', 'fieldManager'].map((name) => ({
      name,
      in: 'query',
      schema: { type: 'string', uniqueItems: true },
    })),
    responses: { 200: { description: 'OK' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
  });
  const prefix = `/${rootOf(resource)}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}/{name}`;
  const operations = { get: 'get', put: 'replace', patch: 'patch', delete: 'delete' };
  return [
    prefix,
    Object.fromEntries(Object.entries(operations).map(([method, action]) => [method, operation(action)])),
  ];
}
