package ffi

// #include <wasmtime/ext.h>
import "C"

// Pooling is what a pooling allocator is told; a field of 0 keeps the default of Wasmtime.
type Pooling struct {
	TotalCoreInstances, TotalMemories, TotalTables, TotalGCHeaps, TotalStacks uint32
	TotalComponentInstances                                                   uint32
	MaxUnusedWarmSlots                                                        uint32
	MaxMemoriesPerModule, MaxTablesPerModule                                  uint32
	MaxInstancesPerComponent, MaxMemoriesPerComponent, MaxTablesPerComponent  uint32
	DecommitBatchSize, MaxCoreInstanceSize, MaxMemorySize, TableElements      uint64
	LinearMemoryKeepResident, TableKeepResident                               uint64
}

// SetPooling makes the engine allocate instances from pools.
func (c Config) SetPooling(p Pooling) {
	crossing()
	pc := C.wasmtime_pooling_allocation_config_new()
	defer C.wasmtime_pooling_allocation_config_delete(pc)
	if p.TotalCoreInstances != 0 {
		C.wasmtime_pooling_allocation_config_total_core_instances_set(pc, C.uint32_t(p.TotalCoreInstances))
	}
	if p.TotalComponentInstances != 0 {
		C.wasmtime_pooling_allocation_config_total_component_instances_set(pc, C.uint32_t(p.TotalComponentInstances))
	}
	if p.TotalMemories != 0 {
		C.wasmtime_pooling_allocation_config_total_memories_set(pc, C.uint32_t(p.TotalMemories))
	}
	if p.TotalTables != 0 {
		C.wasmtime_pooling_allocation_config_total_tables_set(pc, C.uint32_t(p.TotalTables))
	}
	if p.TotalGCHeaps != 0 {
		C.wasmtime_pooling_allocation_config_total_gc_heaps_set(pc, C.uint32_t(p.TotalGCHeaps))
	}
	if p.TotalStacks != 0 {
		C.wasmtime_pooling_allocation_config_total_stacks_set(pc, C.uint32_t(p.TotalStacks))
	}
	if p.MaxUnusedWarmSlots != 0 {
		C.wasmtime_pooling_allocation_config_max_unused_warm_slots_set(pc, C.uint32_t(p.MaxUnusedWarmSlots))
	}
	if p.MaxMemoriesPerModule != 0 {
		C.wasmtime_pooling_allocation_config_max_memories_per_module_set(pc, C.uint32_t(p.MaxMemoriesPerModule))
	}
	if p.MaxTablesPerModule != 0 {
		C.wasmtime_pooling_allocation_config_max_tables_per_module_set(pc, C.uint32_t(p.MaxTablesPerModule))
	}
	if p.MaxInstancesPerComponent != 0 {
		C.wasmtime_pooling_allocation_config_max_core_instances_per_component_set(pc, C.uint32_t(p.MaxInstancesPerComponent))
	}
	if p.MaxMemoriesPerComponent != 0 {
		C.wasmtime_pooling_allocation_config_max_memories_per_component_set(pc, C.uint32_t(p.MaxMemoriesPerComponent))
	}
	if p.MaxTablesPerComponent != 0 {
		C.wasmtime_pooling_allocation_config_max_tables_per_component_set(pc, C.uint32_t(p.MaxTablesPerComponent))
	}
	if p.DecommitBatchSize != 0 {
		C.wasmtime_pooling_allocation_config_decommit_batch_size_set(pc, C.size_t(p.DecommitBatchSize))
	}
	if p.MaxCoreInstanceSize != 0 {
		C.wasmtime_pooling_allocation_config_max_core_instance_size_set(pc, C.size_t(p.MaxCoreInstanceSize))
	}
	if p.MaxMemorySize != 0 {
		C.wasmtime_pooling_allocation_config_max_memory_size_set(pc, C.size_t(p.MaxMemorySize))
	}
	if p.TableElements != 0 {
		C.wasmtime_pooling_allocation_config_table_elements_set(pc, C.size_t(p.TableElements))
	}
	if p.LinearMemoryKeepResident != 0 {
		C.wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pc, C.size_t(p.LinearMemoryKeepResident))
	}
	if p.TableKeepResident != 0 {
		C.wasmtime_pooling_allocation_config_table_keep_resident_set(pc, C.size_t(p.TableKeepResident))
	}
	C.wasmtime_pooling_allocation_strategy_set(c.ptr, pc)
}
