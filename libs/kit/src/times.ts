/** RFC 3339 in whole seconds, as Kubernetes' metav1.Time is written. */
export function rfc3339(time: Date | number): string {
  return `${new Date(time).toISOString().slice(0, -'.000Z'.length)}Z`;
}

/** RFC 3339 as Kubernetes' MicroTime is read: with six digits and no others. The clock has three. */
export function microTime(time: Date | number): string {
  return `${new Date(time).toISOString().slice(0, -1)}000Z`;
}
