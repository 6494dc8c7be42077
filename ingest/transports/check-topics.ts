/** Where `greenpark broker check` publishes and listens; whoever runs it needs the right to both. */
export const CHECK_TOPICS = 'greenpark/check';
/** Messages that it sends at most: as many as the service lets a broker hand over ahead of their acknowledgement. */
export const MOST_CHECK_MESSAGES = 20_000;
