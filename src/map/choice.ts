/** What `ipcdump map` draws. */
export const drawingNames = ["text", "json", "dot", "mermaid", "html"] as const;
export type DrawingName = (typeof drawingNames)[number];
