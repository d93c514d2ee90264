package main

import "github.com/gowasmtime/wasmtime"

// newEngine makes an engine as the settings say.
func newEngine(s *settings) (*wasmtime.Engine, error) {
	config := wasmtime.NewConfig()
	defer config.Close() // does nothing for one that an engine was made of
	if s.allProposals != nil {
		for _, p := range proposals() {
			if !s.names(p.name) {
				p.set(config, *s.allProposals)
			}
		}
	}
	for _, e := range s.engine {
		if err := e.apply(config); err != nil {
			return nil, failed(err, "failed to set `%s`", e.name)
		}
	}
	config.SetConsumeFuel(s.fuel != nil)
	config.SetEpochInterruption(s.epochs || s.timeout != nil)
	if s.pooling != nil && *s.pooling {
		config.SetPooling(pools(s))
	}
	if err := loadCache(s, config); err != nil {
		return nil, err
	}
	return wasmtime.TryNewEngine(config)
}

// pools are the sizes of the pools; limits for all memories and tables are limits for those of the pool.
func pools(s *settings) wasmtime.PoolingConfig {
	p := s.pools
	if p.MaxMemorySize == 0 && s.limits.memorySize != nil {
		p.MaxMemorySize = *s.limits.memorySize
	}
	if p.MaxTableElements == 0 && s.limits.tableElements != nil {
		p.MaxTableElements = *s.limits.tableElements
	}
	return p
}

// loadCache configures the cache of compiled modules. A cache that nobody asked for and that has no place, because
// there is no home folder, is left out.
func loadCache(s *settings, config *wasmtime.Config) error {
	switch {
	case s.cache != nil && !*s.cache:
		return nil
	case s.cacheConfig != "":
		return config.CacheConfigLoad(s.cacheConfig)
	}
	if err := config.CacheConfigLoadDefault(); err != nil && s.cache != nil {
		return err
	}
	return nil
}
