type Labels = Readonly<Record<string, string>>;

/** A containerd filter for objects with all of these labels. */
export function labelFilter(wanted: Labels): string {
  const terms = Object.entries(wanted).map(
    ([name, value]) => `labels.${JSON.stringify(name)}==${JSON.stringify(value)}`,
  );
  return terms.join(',');
}

/** Whether `labels` include all of `wanted`, as {@link labelFilter} selects. */
export function carriesLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
