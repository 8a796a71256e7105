with hours as (
    select
        learners.customer, learners.learner_id, learners.learner, learners.organisation, learners.status,
        learners.assessor_id, learners.assessor, learners.started, learners.planned_end,
        off_the_job.planned_otj as planned,
        off_the_job.minimum_otj as minimum,
        coalesce(off_the_job.cached_actual_hours, 0) as done,
        off_the_job.planned_otj * {{ onefile.share_gone('learners.started', 'learners.planned_end') }} as due
    from {{ ref('stg_onefile_off_the_job') }} as off_the_job
    inner join {{ ref('onefile_learners') }} as learners
        on off_the_job.customer = learners.customer and off_the_job.learner_id = learners.learner_id
    where learners.in_learning and off_the_job.planned_otj > 0
)

select
    customer, learner_id, learner, organisation, status, assessor_id, assessor, started, planned_end,
    {{ onefile.rounded('planned') }} as planned,
    {{ onefile.rounded('minimum') }} as minimum,
    {{ onefile.rounded('done') }} as done,
    {{ onefile.rounded('due') }} as due_by_now,
    {{ onefile.rounded('done - due') }} as ahead
from hours
