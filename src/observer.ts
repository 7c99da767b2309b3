/** What a long piece of work tells whoever started it, and how it is stopped: the one declaration for all rooms. */
export interface Observer {
  /** A remark, in a sentence. */
  note?(text: string): void;
  /** Something the user should know before trusting a result, in a sentence. */
  warn?(text: string): void;
  /**
   * How far the named work is: `packing sotu`, `sampling duo`, `duo on sotu`.
   * @param total units of work; null while nobody knows   @param detail of the unit under way: `step 3 of 32`
   */
  progress?(work: string, done: number, total: number | null, detail?: string): void;
  /** Stops the work when it aborts; its reason is what the work throws. */
  signal?: AbortSignal;
}
