/**
 * From the tokens of texts to sequences of a fixed length, as the two protocols cut them.
 *
 * `duo`: the reference's form with one process. Texts are taken in groups of 1,000; each group's tokens are
 * concatenated without a separator, cut into L − 2, wrapped as [BOS] … [EOS], and the group's remainder is dropped.
 * `strict`: one stream; only the very last remainder is shorter than a sequence, and it is kept on request.
 * Without BOS (or EOS) its place is one more token of text; with neither, sequences are L tokens unwrapped.
 *
 * A sequence may hold pieces of several documents. It counts to the one that has most of its tokens, the earlier of equals.
 */
import { UsageError } from '../errors.js';

const PROTOCOLS = ['duo', 'strict'] as const;
export type ProtocolName = (typeof PROTOCOLS)[number];

/** Texts a group: the batch size that the reference's data library maps with. */
const GROUP = 1_000;

export interface CutOptions {
  /** L, with BOS and EOS. */
  length: number;
  protocol: ProtocolName;
  bosTokenId: number | null;
  eosTokenId: number | null;
  /** Keep the last, shorter sequence; `strict` only. */
  keepRemainder: boolean;
}

export class SequenceCutter {
  /** Texts and tokens seen; tokens dropped so far. */
  texts = 0;
  tokens = 0;
  droppedTokens = 0;
  /** Documents begun. */
  documents = 0;

  private readonly sequence: Int32Array;
  /** Where text tokens start in a sequence, and how many there is room for. */
  private readonly start: number;
  private readonly room: number;
  private filled = 0;
  /** Of the sequence under way: tokens of the present document, and what has most of those before it. */
  private ofDocument = 0;
  private most = { document: 0, tokens: 0 };

  /** @param emit takes each sequence, and the document that it counts to, from 0; the array is used again afterwards */
  constructor(
    private readonly options: CutOptions,
    private readonly emit: (sequence: Int32Array, document: number) => void,
  ) {
    const { length, bosTokenId, eosTokenId } = options;
    this.start = bosTokenId === null ? 0 : 1;
    this.room = length - this.start - (eosTokenId === null ? 0 : 1);
    if (!Number.isSafeInteger(length) || this.room < 1) {
      throw new UsageError({
        code: 'length-too-short',
        message: `Sequences of ${length} tokens leave no room for text between BOS and EOS.`,
        hint: 'Choose a larger --length.',
      });
    }
    this.sequence = new Int32Array(length);
    if (bosTokenId !== null) this.sequence[0] = bosTokenId;
  }

  /** The next text begins a document. */
  beginDocument(): void {
    this.weighDocument();
    this.documents++;
  }

  /** Adds tokens of the current text. */
  add(tokens: readonly number[]): void {
    this.tokens += tokens.length;
    for (const token of tokens) {
      this.sequence[this.start + this.filled] = token;
      this.ofDocument++;
      if (++this.filled === this.room) this.complete();
    }
  }

  /** The current text is over. */
  endText(): void {
    this.texts++;
    if (this.options.protocol === 'duo' && this.texts % GROUP === 0) this.dropRemainder();
  }

  /** There are no more texts. */
  end(): void {
    if (this.options.protocol === 'strict' && this.options.keepRemainder && this.filled > 0) this.complete();
    else this.dropRemainder();
  }

  private complete(): void {
    const { eosTokenId } = this.options;
    let end = this.start + this.filled;
    if (eosTokenId !== null) this.sequence[end++] = eosTokenId;
    this.weighDocument();
    const { document } = this.most;
    this.forget();
    this.emit(this.sequence.subarray(0, end), document);
  }

  private dropRemainder(): void {
    this.droppedTokens += this.filled;
    this.forget();
  }

  /** The sequence under way is over. */
  private forget(): void {
    this.filled = 0;
    this.ofDocument = 0;
    this.most = { document: 0, tokens: 0 };
  }

  private weighDocument(): void {
    const document = Math.max(0, this.documents - 1); // what stands before the first belongs to it
    if (this.ofDocument > this.most.tokens) this.most = { document, tokens: this.ofDocument };
    this.ofDocument = 0;
  }
}
