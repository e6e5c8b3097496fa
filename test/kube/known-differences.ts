export interface KnownDifference {
  /** `table`, or `table: request`; absent is everywhere. The difference is there in each of them. */
  readonly where?: readonly string[];
  readonly paths: RegExp;
  readonly why: string;
}

const ANY = /./;
const rows = (table: string, ...names: string[]): string[] => names.map((name) => `${table}: ${name}`);

/** Where our own API server answers otherwise than a real one (1.35), and why. */
export const KNOWN: readonly KnownDifference[] = [
  {
    paths: /\bmetadata\.managedFields$/,
    why: 'server-side apply is not served, and nothing else reads who wrote which field',
  },
  {
    paths: /^body\.(message|details\.causes\.\d+\.message)$/,
    why: 'texts are for people, and change from one Kubernetes version to the next; code, reason and fields are the same',
  },
  { paths: /\bcolumnDefinitions\.\d+\.description$/, why: 'kubectl shows no descriptions of columns' },
  {
    where: ['podsAndNodes'],
    paths: /\bspec\.|\bqosClass$/,
    why: 'defaults that only a kubelet reads are not filled in; our node has them built in',
  },
  {
    where: [
      ...rows('builtIn', 'lists ConfigMaps', 'selects Secrets by type', 'selects Events by object', 'deletes Events'),
      ...rows('builtIn', 'lists Leases'),
      ...rows('podsAndNodes', 'selects Pods by phase', 'selects Pods by address'),
    ],
    paths: /^body\.items\b/,
    why: 'items of a list carry their kind, as those of custom resources do: no client minds; and what is below',
  },
  {
    where: [
      ...rows('builtIn', 'refuses a key that is none', 'refuses the same key as text and binary'),
      ...rows('builtIn', 'refuses to change what is frozen', 'refuses to thaw it', 'refuses data that are not base64'),
      ...rows('builtIn', 'refuses another type', 'refuses a registry secret without its key'),
      ...rows('builtIn', 'refuses an Event about another namespace', 'refuses a duration of none'),
      ...rows('builtIn', 'shows a table of Leases'),
      ...rows('podsAndNodes', 'refuses a Pod without containers', 'refuses a Pod without spec'),
      ...rows('podsAndNodes', 'refuses a container without image', 'refuses two containers of one name'),
      ...rows('podsAndNodes', 'refuses a container name', 'refuses a restart policy', 'refuses a quantity'),
      ...rows('podsAndNodes', 'refuses another command', 'refuses another node', 'binds a Pod', 'has no Pods left'),
      ...rows('podsAndNodes', 'patches its status', 'adds a condition by its type', 'removes a condition by its type'),
      ...rows('podsAndNodes', 'changes no status through the Pod', 'annotates by operations'),
      ...rows('podsAndNodes', 'updates a Pod without version', 'shows a table of Pods', 'selects Pods by node'),
      ...rows('podsAndNodes', 'gives a bound Pod its grace', 'gives it a shorter one', 'gives it no longer one'),
    ],
    paths: ANY,
    why: "built-in kinds are checked by their schema alone: nothing of ours writes what breaks Kubernetes' further rules",
  },
  {
    where: [
      ...rows('builtIn', 'refuses data that are no text', 'refuses a time that is none'),
      ...rows('podsAndNodes', 'refuses text for a port'),
      ...rows('sandboxWrites', 'refuses labels that are no text', 'refuses another dryRun'),
      ...rows('sandboxWrites', 'refuses a patch of the uid', 'takes no resourceVersion at creation'),
      ...rows(
        'sandboxReads',
        'refuses a watch from a version that is none',
        'refuses POST of one',
        'refuses PUT of all',
      ),
      ...rows('cluster', 'lets nobody in without a token'),
    ],
    paths: ANY,
    why: 'refused by both, under another code of the 4xx; where a real one answers 500, ours says what is wrong',
  },
  {
    where: [
      ...rows('builtIn', 'adds to that set', 'takes one out of it', 'replaces a map', 'takes finalizers away'),
      ...rows('builtIn', 'replaces by operations', 'shows a table of ConfigMaps', 'freezes it'),
      ...rows('builtIn', 'takes text with a patch'),
    ],
    paths: ANY,
    why: 'directives of strategic merges are not served: kubectl sends none for what is here',
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
        'counts an Event',
        'updates an Event',
        'creates an Event of the newer form',
      ),
      ...rows('podsAndNodes', 'sets its condition', 'cordons it', 'uncordons it'),
    ],
    paths: /\b(eventTime|reporting\w+|source|\w+Timestamp|message)$/,
    why: 'empty fields are left out, or kept, as they came',
  },
  {
    where: [
      ...rows('builtIn', 'refuses a Lease without version'),
      ...rows('podsAndNodes', 'binds it once', 'refuses to end another one'),
      ...rows('cluster', 'takes nothing new into it'),
      ...rows('sandboxReads', 'knows no such subresource'),
      ...rows('sandboxWrites', 'refuses three things at once', 'refuses an update without version'),
      ...rows(
        'sandboxWrites',
        'refuses a failed test',
        'refuses to remove what is not there',
        'refuses what is no time',
      ),
      ...rows('sandboxWrites', 'refuses an unknown operation', 'refuses to delete another uid'),
      ...rows('sandboxWrites', 'refuses to delete another version', 'adds no finalizer'),
    ],
    paths: /^body\.details\b/,
    why: 'the same refusal: details name kind, field and cause as newer versions do, or more exactly',
  },
  {
    where: [...rows('cluster', 'tells its own kinds', 'tells its Leases', 'tells the kinds of a group')],
    paths: /^body\.(groups|apiVersion|resources)\b/,
    why: 'discovery tells singular names, as newer versions do, and no hashes; only one version of each group is served',
  },
  {
    where: [
      ...rows('cluster', 'knows no such group', 'knows no such version', 'knows no such path'),
      ...rows('sandboxReads', 'knows no such kind', 'has no protobuf of it'),
    ],
    paths: ANY,
    why: 'the same code with a Status that says what is served here, instead of plain text or protobuf',
  },
  {
    where: rows('cluster', 'deletes it'),
    paths: /deletionGracePeriodSeconds$/,
    why: 'a namespace is marked like every other object',
  },
  {
    where: rows('cluster', 'refuses to end the default namespace'),
    paths: ANY,
    why: 'the default namespace is not protected: it comes back at the next start',
  },
  {
    where: [...rows('cluster', 'lets go of what is in it'), ...rows('sandboxWrites', 'ends it with its finalizer')],
    paths: /^body\.metadata\.(finalizers|resourceVersion)$/,
    why: 'the answer to the patch that ends an object shows it as it ended: with the version of its deletion',
  },
  {
    where: rows(
      'podsAndNodes',
      'ends it as its node does',
      'ends an unbound Pod at once',
      'ends a finished Pod at once',
    ),
    paths: /^body\b/,
    why: 'the end of a Pod is told by a Status, as that of every other object',
  },
  {
    where: [
      ...rows('sandboxReads', 'refuses a version that is none', 'gives a first page of what is selected'),
      ...rows('sandboxReads', 'refuses a match without version', 'refuses an unknown match'),
    ],
    paths: ANY,
    why: 'a list shows the newest objects, in order, whatever version it asks for',
  },
  {
    where: rows('sandboxReads', 'selects -app=x', 'takes a negative limit for none', 'refuses another includeObject'),
    paths: ANY,
    why: 'what no client sends is read in another way',
  },
  {
    where: rows('sandboxReads', 'shows a table without objects'),
    paths: /^body\.rows\.\d+\.object$/,
    why: 'absent and null are one',
  },
  {
    where: rows('sandboxReads', 'tells a watch that its version is too old'),
    paths: /^body\.events$/,
    why: 'history is kept by count here, and version 1 is still within it',
  },
  {
    where: rows('sandboxWrites', 'refuses another version', 'refuses a finalizer without domain'),
    paths: /^headers\.warning$/,
    why: 'no warning beside a refusal, or about a style of finalizers',
  },
  {
    where: rows('sandboxWrites', 'applies on the server'),
    paths: ANY,
    why: 'server-side apply is not served, and is refused by name',
  },
  {
    where: rows(
      'sandboxWrites',
      'tries without effect',
      'tries a patch without effect',
      'tries an update without effect',
    ),
    paths: /\bresourceVersion$/,
    why: 'what is only tried has the version that it would replace',
  },
  {
    where: ['podsAndNodes'],
    paths: /\bmetadata\.generation$/,
    why: 'Pods have a generation since 1.33: nothing here changes the spec of one',
  },
  {
    where: rows('cluster', 'creates a namespace', 'labels it', 'deletes it'),
    paths: /\bmetadata\.labels\b/,
    why: 'namespaces have no label with their name: nothing selects namespaces here',
  },
  {
    where: rows('cluster', 'tells its version'),
    paths: /^body$/,
    why: 'one version, without those that it emulates',
  },
];

/** Where an entry applies to this request. */
export function placeOf({ where }: KnownDifference, table: string, request: string): string | undefined {
  return where === undefined
    ? 'everywhere'
    : where.find((place) => place === table || place === `${table}: ${request}`);
}

export function knownFor(table: string, request: string): KnownDifference[] {
  return KNOWN.filter((entry) => placeOf(entry, table, request) !== undefined);
}
