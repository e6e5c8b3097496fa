export interface KnownDifference {
  /** `table`, or `table: request`; absent: everywhere. The difference must exist in each listed place. */
  readonly where?: readonly string[];
  readonly paths: RegExp;
  readonly why: string;
}

const ANY = /./;
const rows = (table: string, ...names: string[]): string[] => names.map((name) => `${table}: ${name}`);

/** Differences between our API server and a real one (1.35), with their reasons. */
export const KNOWN: readonly KnownDifference[] = [
  {
    paths: /\bmetadata\.managedFields$/,
    why: 'server-side apply is not served, and nothing else reads managedFields',
  },
  {
    paths: /^body\.(message|details\.causes\.\d+\.message)$/,
    why: 'messages are for people and change between Kubernetes versions; code, reason and fields are the same',
  },
  { paths: /\bcolumnDefinitions\.\d+\.description$/, why: 'kubectl does not show column descriptions' },
  {
    where: ['podsAndNodes'],
    paths: /\bspec\.|\bqosClass$/,
    why: 'defaults that only a kubelet reads are not set; our node has them built in',
  },
  {
    where: [
      ...rows('builtIn', 'lists ConfigMaps', 'selects Secrets by type', 'selects Events by object', 'deletes Events'),
      ...rows('builtIn', 'lists Leases'),
      ...rows('podsAndNodes', 'selects Pods by phase', 'selects Pods by address'),
    ],
    paths: /^body\.items\b/,
    why: 'list items carry their kind, as those of custom resources do: no client minds; see also the next entry',
  },
  {
    where: [
      ...rows('builtIn', 'refuses an invalid key', 'refuses the same key as text and binary'),
      ...rows(
        'builtIn',
        'refuses to change an immutable ConfigMap',
        'refuses to make it mutable again',
        'refuses data that is not base64',
      ),
      ...rows('builtIn', 'refuses a changed Secret type', 'refuses a registry secret without its key'),
      ...rows('builtIn', 'refuses an Event about another namespace', 'refuses a duration of zero'),
      ...rows('builtIn', 'shows a table of Leases'),
      ...rows('podsAndNodes', 'refuses a Pod without containers', 'refuses a Pod without spec'),
      ...rows('podsAndNodes', 'refuses a container without image', 'refuses two containers of one name'),
      ...rows(
        'podsAndNodes',
        'refuses an invalid container name',
        'refuses an unknown restart policy',
        'refuses an invalid quantity',
      ),
      ...rows('podsAndNodes', 'refuses a changed command', 'refuses a changed node', 'binds a Pod', 'has no Pods left'),
      ...rows('podsAndNodes', 'patches its status', 'adds a condition by its type', 'removes a condition by its type'),
      ...rows('podsAndNodes', 'ignores a status in a patch of the Pod', 'annotates by JSON patch'),
      ...rows(
        'podsAndNodes',
        'updates a Pod without a resourceVersion',
        'shows a table of Pods',
        'selects Pods by node',
      ),
      ...rows(
        'podsAndNodes',
        'deletes a bound Pod with its grace period',
        'shortens the grace period',
        'does not lengthen the grace period',
      ),
    ],
    paths: ANY,
    why: "built-in kinds are checked by schema only: none of our writers breaks Kubernetes' further rules",
  },
  {
    where: [
      ...rows('builtIn', 'refuses data that is not text', 'refuses an invalid time'),
      ...rows('podsAndNodes', 'refuses text for a port'),
      ...rows('sandboxWrites', 'refuses labels that are not text', 'refuses an unknown dryRun'),
      ...rows('sandboxWrites', 'refuses a patch of the uid', 'refuses a resourceVersion at creation'),
      ...rows(
        'sandboxReads',
        'refuses a watch from an invalid resourceVersion',
        'refuses a POST to an object',
        'refuses a PUT to a collection',
      ),
      ...rows('cluster', 'refuses a request without a token'),
    ],
    paths: ANY,
    why: 'refused by both with different 4xx codes; where a real one answers 500, ours names the fault',
  },
  {
    where: [
      ...rows(
        'builtIn',
        'adds a finalizer to the set',
        'removes a finalizer from the set',
        'replaces a map by directive',
        'removes all finalizers',
      ),
      ...rows(
        'builtIn',
        'replaces a value by JSON patch',
        'shows a table of ConfigMaps',
        'makes the ConfigMap immutable',
      ),
      ...rows('builtIn', 'accepts stringData in a patch'),
    ],
    paths: ANY,
    why: 'strategic merge directives are not served: kubectl sends none for these kinds',
  },
  {
    where: rows('builtIn', 'shows a table of one Secret'),
    paths: /columnDefinitions\.2\.type$|\.rows\./,
    why: 'a count is an integer',
  },
  {
    where: [
      ...rows(
        'builtIn',
        'creates an Event',
        'raises the count of an Event',
        'updates an Event',
        'creates an Event with the newer fields',
      ),
      ...rows('podsAndNodes', 'sets its condition', 'cordons it', 'uncordons it'),
    ],
    paths: /\b(eventTime|reporting\w+|source|\w+Timestamp|message)$/,
    why: 'empty fields are stored as they were sent',
  },
  {
    where: [
      ...rows('builtIn', 'refuses a Lease without a resourceVersion'),
      ...rows('podsAndNodes', 'refuses to bind it twice', 'refuses a deletion with another uid'),
      ...rows('cluster', 'refuses creates in a terminating namespace'),
      ...rows('sandboxReads', 'answers an unknown subresource'),
      ...rows('sandboxWrites', 'refuses three faults at once', 'refuses an update without a resourceVersion'),
      ...rows(
        'sandboxWrites',
        'refuses a JSON patch whose test fails',
        'refuses to remove an absent field',
        'refuses an invalid time',
      ),
      ...rows('sandboxWrites', 'refuses an unknown operation', 'refuses to delete another uid'),
      ...rows('sandboxWrites', 'refuses to delete another version', 'refuses to add a finalizer'),
    ],
    paths: /^body\.details\b/,
    why: 'the same refusal: details name kind, field and cause as newer versions do, or more precisely',
  },
  {
    where: [
      ...rows('cluster', 'lists the core kinds', 'lists the coordination kinds', 'lists the kinds of an API group'),
    ],
    paths: /^body\.(groups|apiVersion|resources)\b/,
    why: 'discovery lists singular names, as newer versions do, and no hashes; each group has one version',
  },
  {
    where: [
      ...rows('cluster', 'answers an unknown group', 'answers an unknown version', 'answers an unknown path'),
      ...rows('sandboxReads', 'answers an unknown kind', 'answers a request for protobuf'),
    ],
    paths: ANY,
    why: 'the same code, with a Status that lists what is served instead of plain text or protobuf',
  },
  {
    where: rows('cluster', 'deletes the namespace'),
    paths: /deletionGracePeriodSeconds$/,
    why: 'a namespace gets a grace period like every other object',
  },
  {
    where: rows('cluster', 'refuses to delete the default namespace'),
    paths: ANY,
    why: 'the default namespace is not protected: it comes back at the next start',
  },
  {
    where: [
      ...rows('cluster', 'removes the finalizer in the namespace'),
      ...rows('sandboxWrites', 'removes it with its last finalizer'),
    ],
    paths: /^body\.metadata\.(finalizers|resourceVersion)$/,
    why: 'the answer to the patch that removes an object shows its last state, with the version of its deletion',
  },
  {
    where: rows(
      'podsAndNodes',
      'deletes it without a grace period, as its node does',
      'deletes an unbound Pod at once',
      'deletes a finished Pod at once',
    ),
    paths: /^body\b/,
    why: 'the deletion of a Pod is answered by a Status, as for every other object',
  },
  {
    where: [
      ...rows('sandboxReads', 'refuses an invalid resourceVersion', 'gives a first page of a selection'),
      ...rows(
        'sandboxReads',
        'refuses a resourceVersionMatch without resourceVersion',
        'refuses an unknown resourceVersionMatch',
      ),
    ],
    paths: ANY,
    why: 'a list shows the newest objects, in order, for any requested version',
  },
  {
    where: rows('sandboxReads', 'selects -app=x', 'ignores a negative limit', 'refuses another includeObject'),
    paths: ANY,
    why: 'requests that no client sends are interpreted differently',
  },
  {
    where: rows('sandboxReads', 'shows a table without objects'),
    paths: /^body\.rows\.\d+\.object$/,
    why: 'absent and null are equivalent',
  },
  {
    where: rows('sandboxReads', 'reports to a watch that its version is too old'),
    paths: /^body\.events$/,
    why: 'history is kept by count here, and version 1 is still within it',
  },
  {
    where: rows('sandboxWrites', 'refuses another version', 'refuses a finalizer without domain'),
    paths: /^headers\.warning$/,
    why: 'no warning with a refusal, or about the style of finalizers',
  },
  {
    where: rows('sandboxWrites', 'answers a server-side apply'),
    paths: ANY,
    why: 'server-side apply is not served, and the refusal says so',
  },
  {
    where: rows(
      'sandboxWrites',
      'creates nothing with dryRun',
      'patches nothing with dryRun',
      'updates nothing with dryRun',
    ),
    paths: /\bresourceVersion$/,
    why: 'a dryRun answer has the version that it would replace',
  },
  {
    where: ['podsAndNodes'],
    paths: /\bmetadata\.generation$/,
    why: 'Pods have a generation since 1.33: nothing here changes the spec of a Pod',
  },
  {
    where: rows('cluster', 'creates a namespace', 'labels the namespace', 'deletes the namespace'),
    paths: /\bmetadata\.labels\b/,
    why: 'namespaces have no name label: nothing selects namespaces here',
  },
  {
    where: rows('cluster', 'reports its version'),
    paths: /^body$/,
    why: 'no emulated versions',
  },
];

/** The place in `where` under which an entry applies to this request; undefined: it does not apply. */
export function placeOf({ where }: KnownDifference, table: string, request: string): string | undefined {
  return where === undefined
    ? 'everywhere'
    : where.find((place) => place === table || place === `${table}: ${request}`);
}

export function knownFor(table: string, request: string): KnownDifference[] {
  return KNOWN.filter((entry) => placeOf(entry, table, request) !== undefined);
}
