/** What a long piece of work tells whoever started it, and how it is stopped: the one declaration for all rooms. */
export interface Observer {
  /** A remark, in a sentence. */
  note?(text: string): void;
  /** Something the user should know before trusting a result, in a sentence. */
  warn?(text: string): void;
  /**
   * How far the named work is: `packing sotu`, `sampling duo`, `duo on sotu`.
   * @param total units of work; null while nobody knows   @param detail of the unit under way: `step 3 of 32`
   * @param overall the share in [0, 1] of all that was asked for, where the named work is a part of it
   */
  progress?(work: string, done: number, total: number | null, detail?: string, overall?: number): void;
  /** Stops the work when it aborts; its reason is what the work throws. */
  signal?: AbortSignal;
}

/** A part of a longer work, as shares of the whole in [0, 1]. */
export interface WorkPart {
  before: number;
  share: number;
  /** What its work is called; by default as the work calls itself. */
  named?(work: string): string;
}

/** Tells the observer of the whole how far a part is. */
export function partOf<O extends Observer>(
  observer: O,
  { before, share, named = (work) => work }: WorkPart,
): O {
  const { progress } = observer;
  if (!progress) return observer;
  return {
    ...observer,
    progress(work, done, total, detail, overall) {
      const own = overall ?? (total !== null && total > 0 ? Math.min(1, done / total) : 0);
      progress(named(work), done, total, detail, before + share * own);
    },
  };
}

/** Short work at the end of a part: the share stays what it is then. */
export const endOf = (part: WorkPart): WorkPart => ({ ...part, before: part.before + part.share, share: 0 });

/** What is done, without its object: `sampling` of `sampling duo`; null of `duo on sotu`. */
export const verbOf = (work: string): string | null => /^[a-z]+ing\b/.exec(work)?.[0] ?? null;

/** Parts of the given weights, one after another. */
export function partsOf(weights: readonly number[]): WorkPart[] {
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  let before = 0;
  return weights.map((weight) => {
    const part = { before, share: whole > 0 ? weight / whole : 0 };
    before += part.share;
    return part;
  });
}
