export const describeFailure = (error) => ({ exitCode: 1, code: 'internal-error', message: String(error) });
