"""Estimator on TensorFlow 2.20 and later, which contain it no more.

Its code is the package tensorflow-estimator 2.15. Almost all that it needs is still in TensorFlow.
Three things are not, and are made here: the registration of public names, the package's own
`__init__`, which asks for TPU modules, and the module that trains on several workers.
"""

import copy
import importlib
import importlib.machinery
import os
import sys
import types

EXPORTS = 'estimator'  # the name that the package registers its public names under
PACKAGES = (
    'tensorflow_estimator',
    'tensorflow_estimator.python',
    'tensorflow_estimator.python.estimator',
)
OF_WORKERS = 'tensorflow.python.distribute.estimator_training'
# Name in tf.estimator -> module of the package, and the name there.
NAMES = {
    'Estimator': ('estimator', 'EstimatorV2'),
    'RunConfig': ('run_config', 'RunConfig'),
    'EstimatorSpec': ('model_fn', 'EstimatorSpec'),
    'ModeKeys': ('mode_keys', 'ModeKeys'),
    'TrainSpec': ('training', 'TrainSpec'),
    'EvalSpec': ('training', 'EvalSpec'),
    'train_and_evaluate': ('training', 'train_and_evaluate'),
}
# They are still in tf.compat.v1.train.
HOOKS = (
    'SessionRunHook',
    'SessionRunArgs',
    'CheckpointSaverHook',
    'SecondOrStepTimer',
    'NanLossDuringTrainingError',
)


def load(tf):
    """Return what tf.estimator was: a module with the names that the project uses.

    Raises:
        ImportError, AttributeError: this TensorFlow lacks what Estimator needs.
    """
    _register_exports()
    _add_bare_packages()
    # The module that Estimator asks how to train on several workers.
    workers = sys.modules[OF_WORKERS] = types.ModuleType(OF_WORKERS)
    workers.init_run_config = _init_run_config
    workers.should_run_distribute_coordinator = _has_workers
    workers.train_and_evaluate = _train_and_evaluate
    workers.estimator_train = _train_on_workers
    found = types.ModuleType('tf.estimator')
    for name, (module, name_there) in NAMES.items():
        loaded = importlib.import_module(f'{PACKAGES[-1]}.{module}')
        setattr(found, name, getattr(loaded, name_there))
    for name in HOOKS:
        setattr(found, name, getattr(tf.compat.v1.train, name))
    return found


def _register_exports():
    """Let the package register its public names as it did with TensorFlow 2.15."""
    from tensorflow.python.util import tf_export

    tf_export.ESTIMATOR_API_NAME = EXPORTS
    for version, attributes in ('', tf_export.API_ATTRS), ('_v1', tf_export.API_ATTRS_V1):
        kind = type(attributes[tf_export.TENSORFLOW_API_NAME])
        names = (f'_{EXPORTS}_api_{what}{version}' for what in ('names', 'constants'))
        attributes[EXPORTS] = kind(*names)


def _add_bare_packages():
    """Add the package to sys.modules without running its `__init__`."""
    spec = importlib.machinery.PathFinder.find_spec(PACKAGES[0])
    (place,) = spec.submodule_search_locations
    for name in PACKAGES:
        package = types.ModuleType(name)
        package.__path__ = [os.path.join(place, *name.split('.')[1:])]
        sys.modules[name] = package


def _init_run_config(config, tf_config):
    """Make a RunConfig with a strategy local; what a worker is, it learns when training starts."""
    from tensorflow.python.distribute import distribute_coordinator

    config._init_distributed_setting_from_environment_var({})
    mode = distribute_coordinator.CoordinatorMode.INDEPENDENT_WORKER
    config._distribute_coordinator_mode = mode if tf_config.get('cluster') else None


def _has_workers(config):
    return bool(getattr(config, '_distribute_coordinator_mode', None))


def _train_and_evaluate(estimator, train_spec, eval_spec, executor_class):
    """Train as one of several workers. None of them evaluates: that is the task 'evaluator'."""
    estimator.train(
        train_spec.input_fn,
        train_spec.hooks,
        max_steps=train_spec.max_steps,
        saving_listeners=train_spec.saving_listeners,
    )


def _train_on_workers(estimator, train, hooks):
    """Take an Estimator's training steps as one of several workers.

    `train` is a function of an Estimator, its strategy, and hooks: it builds the graph and takes
    steps.
    """
    from tensorflow.python.distribute import distribute_coordinator

    def work(strategy):
        return train(_of_this_worker(estimator, strategy), strategy, hooks)

    return distribute_coordinator.run_distribute_coordinator(
        work,
        estimator.config.train_distribute,
        eval_fn=lambda strategy: None,
        mode=distribute_coordinator.CoordinatorMode.INDEPENDENT_WORKER,
        session_config=estimator.config.session_config,
    )


def _of_this_worker(estimator, strategy):
    """Return an Estimator that is the worker in whose context this is called."""
    from tensorflow.python.distribute import distribute_coordinator_context

    worker = distribute_coordinator_context.get_current_worker_context()
    own, config = copy.copy(estimator), copy.copy(estimator.config)
    config._cluster_spec = worker.cluster_spec
    config._task_type, config._task_id = worker.task_type, worker.task_id
    config._is_chief, config._master = worker.is_chief, worker.master_target
    config._num_worker_replicas = worker.num_workers
    config._train_distribute = own._train_distribution = strategy
    own._config, own._session_config = config, worker.session_config
    return own
