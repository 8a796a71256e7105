with aims as (
    select
        customer, learner_id, count(*) as aims,
        count(case when outcome = 'achieved' then 1 end) as aims_achieved
    from {{ ref('onefile_aims') }}
    where outcome <> 'withdrawn'
    group by customer, learner_id
)

select
    learners.customer, learners.learner_id, learners.learner, learners.organisation, learners.status,
    learners.assessor_id, learners.assessor, learners.planned_end,
    {{ onefile.rounded('learners.progress') }} as progress,
    case when off_the_job.learner_id is not null
        then {{ onefile.rounded('coalesce(off_the_job.cached_actual_hours, 0)') }}
    end as hours_done,
    {{ onefile.rounded('off_the_job.minimum_otj') }} as hours_minimum,
    coalesce(aims.aims, 0) as aims,
    coalesce(aims.aims_achieved, 0) as aims_achieved,
    case
        -- Of a plan that nobody has made, the minimum is 0.
        when coalesce(off_the_job.minimum_otj, 0) <= 0 then 'hours are not known'
        when coalesce(off_the_job.cached_actual_hours, 0) < off_the_job.minimum_otj then 'hours are missing'
        else 'ready'
    end as gateway
from {{ ref('onefile_learners') }} as learners
left join {{ ref('stg_onefile_off_the_job') }} as off_the_job
    on learners.customer = off_the_job.customer and learners.learner_id = off_the_job.learner_id
left join aims on learners.customer = aims.customer and learners.learner_id = aims.learner_id
where learners.in_learning and learners.progress >= {{ var('onefile_gateway_progress') }}
