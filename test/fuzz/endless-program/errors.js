export class DuoEvalError extends Error {}
