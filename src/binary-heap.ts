/** A priority queue: `pop` takes the item that comes first in a strict order. Push and pop in O(log n). */
export class BinaryHeap<T> {
  private readonly items: T[] = [];

  constructor(private readonly comesFirst: (a: T, b: T) => boolean) {}

  push(item: T): void {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.comesFirst(item, items[parent])) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const { items } = this;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.comesFirst(items[child + 1], items[child])) child++;
      if (!this.comesFirst(items[child], last)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return first;
  }
}
