/** What is alike, together: groups in the order of their first members. @param key of a group; equal keys are one */
export function groupedBy<T, Key>(all: readonly T[], key: (one: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>();
  for (const one of all) {
    const its = key(one);
    const others = groups.get(its);
    if (others) others.push(one);
    else groups.set(its, [one]);
  }
  return groups;
}

/** The groups alone; keys are equal where their JSON is. */
export const grouped = <T>(all: readonly T[], key: (one: T) => unknown): T[][] => [
  ...groupedBy(all, (one) => JSON.stringify(key(one))).values(),
];
