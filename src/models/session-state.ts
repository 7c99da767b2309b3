/**
 * State that a session's worker keeps from call to call, so that it never crosses a thread: cached keys and values, a latent
 * of K floats per token, the vectors of a training run. A state is an object in the worker; its owner calls its methods by
 * name. A method gets the network along with its argument: it may run the network any number of times, add inputs, and keep
 * the outputs.
 *
 * Calls of one state run in the order in which they were made, so several may wait, each building on the one before. After a
 * call has failed, every later call of that state fails with the same error.
 */
import type { Feeds } from './feeds.js';

/** One run of the network. */
export type Network = (feeds: Feeds) => Promise<Feeds>;

/**
 * A kind of state, declared beside its class. src/workers/session.ts lists all kinds by name.
 * Arguments, answers and `Init` must survive a structured clone.
 */
export interface StateKind<Init, State extends object> {
  readonly name: string;
  create(init: Init): State;
}

/** How the worker finds a kind: each is imported when the first state of it begins. */
export type StateKinds = Readonly<Record<string, () => Promise<StateKind<never, object>>>>;

type Method<Argument, Answer> = (argument: Argument, network: Network) => Promise<Answer>;

export type MethodName<State> = {
  [Name in keyof State]: State[Name] extends Method<never, unknown> ? Name : never;
}[keyof State] &
  string;

export type ArgumentOf<Called> = Called extends Method<infer Argument, unknown> ? Argument : never;

export type AnswerOf<Called> = Called extends Method<never, infer Answer> ? Answer : never;
