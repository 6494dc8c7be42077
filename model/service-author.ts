/** Author of what the service found out itself. */
export const SERVICE_AUTHOR = 'greenpark';
