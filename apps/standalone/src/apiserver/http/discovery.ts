import { type Json } from '../kube-object';
import { resourceApiVersion, type Resource } from '../resources/resource';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Discovery documents by path: groups, versions and kinds. Clients do without the aggregated form. */
export function discoveryDocuments(resources: readonly Resource[]): Map<string, Json> {
  const documents = new Map<string, Json>();
  const groups: Json[] = [];
  for (const groupVersion of new Set(resources.map(resourceApiVersion))) {
    const kinds = resources.filter((resource) => resourceApiVersion(resource) === groupVersion);
    const [{ group, version } = { group: '', version: '' }] = kinds;
    const list = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: kinds.flatMap(apiResources) };
    documents.set(group === '' ? `/api/${version}` : `/apis/${groupVersion}`, list);
    if (group === '') continue;
    const served = { groupVersion, version };
    const described = { name: group, versions: [served], preferredVersion: served };
    groups.push(described);
    documents.set(`/apis/${group}`, { kind: 'APIGroup', apiVersion: 'v1', ...described });
  }
  documents.set('/api', { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });
  documents.set('/apis', { kind: 'APIGroupList', apiVersion: 'v1', groups });
  return documents;
}

function apiResources(resource: Resource): Json[] {
  const { plural, singular, kind, namespaced, shortNames, categories, hasStatus } = resource;
  const sub = (name: string, subKind: string, verbs: readonly string[]): Json => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    kind: subKind,
    verbs,
  });
  return [
    { name: plural, singularName: singular, namespaced, kind, verbs: VERBS, shortNames, categories },
    ...(hasStatus ? [sub('status', kind, ['get', 'patch', 'update'])] : []),
    ...(kind === 'Pod' ? [sub('log', kind, ['get']), sub('binding', 'Binding', ['create'])] : []),
  ];
}
