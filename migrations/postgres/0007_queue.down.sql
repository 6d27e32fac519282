-- Takes back 0007: waiting work and its results go.
DROP TABLE cache_generations;
DROP TABLE workers;
DROP TABLE queue;
