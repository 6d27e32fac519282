-- Takes back 0007: waiting work and its results go.
DROP TRIGGER datasets_generation ON datasets;
DROP TRIGGER runs_generation ON runs;
DROP TRIGGER episodes_generation ON episodes;
DROP TRIGGER patterns_generation ON patterns;
DROP TRIGGER documents_generation ON documents;
DROP FUNCTION raise_generation();
DROP TABLE cache_generations;
DROP TABLE workers;
DROP TABLE queue;
