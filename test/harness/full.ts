/** Whether there is time for all of it: `npm run test:full`. */
export const FULL = process.env.IPCDUMP_FULL === "1";
